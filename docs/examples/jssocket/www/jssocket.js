// JsSocket: JSON messages between a page and a handler, over a WebSocket.
//
//   const socket = new JsSocket("/room", {
//     onOpen() { socket.send({ type: "say", text: "hello" }); },
//     onData(data) { ... },       // one message, parsed
//     onClose(will_retry) { ... },
//   });
//
// What Mongrel2's pages did through a Flash socket and "@room {...}\0": the handler gets the same JSON
// and answers with the same JSON, so one handler serves such clients and browsers. Lost connections
// are made again, after half a second and then twice as long each time, up to 10 seconds; what was
// sent meanwhile is not kept, because onOpen is the place to begin anew.
"use strict";

class JsSocket {
  #path;
  #on;
  #ping_ms;
  #socket = null;
  #retry_ms = JsSocket.RETRY_MS;
  #timer = null;
  #closed = false;

  static RETRY_MS = 500;
  static RETRY_MOST_MS = 10000;

  // path: of the route, on the page's own server; or a whole ws: or wss: address.
  constructor(path, { onOpen, onData, onClose, ping_s = 60 } = {}) {
    this.#path = path;
    this.#on = { open: onOpen, data: onData, close: onClose };
    this.#ping_ms = ping_s * 1000;
    this.#connect();
  }

  get is_open() {
    return this.#socket !== null && this.#socket.readyState === WebSocket.OPEN;
  }

  // Sends one message; false when there is no connection.
  send(data) {
    if (!this.is_open) return false;
    this.#socket.send(JSON.stringify(data));
    return true;
  }

  // The end: no further tries.
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
  }

  #connect() {
    const url = new URL(this.#path, location.href.replace(/^http/, "ws"));
    this.#socket = new WebSocket(url);
    this.#socket.onopen = () => {
      this.#retry_ms = JsSocket.RETRY_MS;
      this.#ping_later();
      this.#on.open?.();
    };
    this.#socket.onmessage = (event) => this.#on.data?.(JSON.parse(event.data));
    this.#socket.onclose = () => {
      clearTimeout(this.#timer);
      this.#on.close?.(!this.#closed);
      if (this.#closed) return;
      this.#timer = setTimeout(() => this.#connect(), this.#retry_ms);
      this.#retry_ms = Math.min(this.#retry_ms * 2, JsSocket.RETRY_MOST_MS);
    };
  }

  // Connections that say nothing for long are closed on the way.
  #ping_later() {
    this.#timer = setTimeout(() => {
      this.send({ type: "ping" });
      this.#ping_later();
    }, this.#ping_ms);
  }
}
