// The browser's side of the chat: a WebSocket, and connecting again when it breaks.
"use strict";

const view = {
  log: document.querySelector("#log"),
  users: document.querySelector("#users"),
  state: document.querySelector("#state"),
  join: document.querySelector("#join"),
  say: document.querySelector("#say"),
};
let user = null; // as given by the room
let wanted = null; // as typed
let socket = null;
let wait_ms = 500;
const users = new Set();

function line(text, kind) {
  const item = document.createElement("li");
  item.textContent = text;
  item.className = kind;
  view.log.append(item);
  item.scrollIntoView();
}

function show_users() {
  view.users.replaceChildren(...[...users].sort().map((name) => {
    const item = document.createElement("li");
    item.textContent = name;
    return item;
  }));
}

const hear = {
  userList(data) {
    user = data.user;
    users.clear();
    data.users.forEach((name) => users.add(name));
    view.state.textContent = "here as " + user;
  },
  join(data) {
    users.add(data.user);
    line(data.user + " has come", "note");
  },
  disconnect(data) {
    users.delete(data.user);
    line(data.user + " has gone", "note");
  },
  msg(data) {
    line(data.user + ": " + data.msg, "msg");
  },
};

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(scheme + "//" + location.host + "/chat");
  socket.onopen = () => {
    wait_ms = 500;
    socket.send(JSON.stringify({ type: "join", user: wanted }));
  };
  socket.onmessage = (event) => {
    const data = JSON.parse(event.data);
    if (Object.hasOwn(hear, data.type)) hear[data.type](data);
    show_users();
  };
  socket.onclose = () => {
    view.state.textContent = "not connected; trying again";
    setTimeout(connect, wait_ms);
    wait_ms = Math.min(wait_ms * 2, 10000);
  };
}

view.join.addEventListener("submit", (event) => {
  event.preventDefault();
  wanted = view.join.elements.name.value;
  view.join.hidden = true;
  view.say.hidden = false;
  view.say.elements.text.focus();
  connect();
});

view.say.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = view.say.elements.text;
  if (socket.readyState === WebSocket.OPEN && field.value !== "") {
    socket.send(JSON.stringify({ type: "msg", msg: field.value }));
    field.value = "";
  }
});
