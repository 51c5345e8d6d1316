"""A real browser: headless Chromium, spoken to in the DevTools protocol over a pair of pipes.

Messages are JSON, each ended by a NUL; descriptors 3 and 4 of the browser are its ends.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional

from .program import Failed, die_with_the_test
from .wait import PATIENCE_S, Deadline, until


def chromium() -> Optional[str]:
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One browser; :meth:`page` opens pages in it, each with cookies of its own."""

    def __init__(self, folder: Path):
        program = chromium()
        if program is None:
            raise Failed("chromium is not installed")
        its_in, our_out = os.pipe()
        our_in, its_out = os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        flags += ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
        flags += ["--remote-debugging-pipe", f"--user-data-dir={folder}"]

        def plug() -> None:
            die_with_the_test()
            os.setpgid(0, 0)
            high_in = os.dup2(its_in, 203, inheritable=False)
            high_out = os.dup2(its_out, 204, inheritable=False)
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        log = open(folder / "chromium.log", "wb")
        self.process = subprocess.Popen(
            [program, *flags, "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            close_fds=False,
            preexec_fn=plug,
        )
        log.close()
        os.close(its_in)
        os.close(its_out)
        self._in, self._out = our_in, our_out
        self._unread = b""
        self._seq = 0
        self._answers: Dict[int, Any] = {}
        #: What pages wrote to their consoles, and uncaught errors.
        self.console: List[str] = []

    # ---- the protocol --------------------------------------------------------------------------

    def call(self, method: str, session: Optional[str] = None, **params: Any) -> Any:
        """The result of a method; Failed with what the browser says."""
        self._seq += 1
        message: Dict[str, Any] = {"id": self._seq, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = Deadline(PATIENCE_S * 2)
        while self._seq not in self._answers:
            self._receive(deadline)
        answer = self._answers.pop(self._seq)
        if "error" in answer:
            raise Failed(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def _receive(self, deadline: Deadline) -> None:
        ready, _, _ = select.select([self._in], [], [], deadline.left_s)
        data = os.read(self._in, 1 << 16) if ready else b""
        if not data:
            raise Failed("the browser has gone" if ready else "the browser does not answer")
        *messages, self._unread = (self._unread + data).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            elif message["method"] == "Runtime.consoleAPICalled":
                words = [str(a.get("value", a)) for a in message["params"]["args"]]
                self.console.append(" ".join(words))
            elif message["method"] == "Runtime.exceptionThrown":
                self.console.append(json.dumps(message["params"]["exceptionDetails"]))

    # ---- pages ---------------------------------------------------------------------------------

    def page(self, url: str) -> "Page":
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, target["targetId"], session["sessionId"])
        page.open(url)
        return page

    def close(self) -> None:
        os.close(self._out)
        os.close(self._in)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(PATIENCE_S)


class Page:
    """One page, as a person uses it."""

    def __init__(self, browser: Browser, target: str, session: str):
        self.browser, self._target, self.session = browser, target, session
        browser.call("Runtime.enable", session)
        browser.call("Page.enable", session)

    def open(self, url: str) -> None:
        answer = self.browser.call("Page.navigate", self.session, url=url)
        if "errorText" in answer:
            raise Failed(f"{url}: {answer['errorText']}")
        until(lambda: self.eval("document.readyState") == "complete", f"{url} has loaded")

    def eval(self, expression: str) -> Any:
        """The value of an expression of JavaScript; promises are waited for."""
        answer = self.browser.call(
            "Runtime.evaluate",
            self.session,
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in answer:
            raise Failed(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        """What a person reads there."""
        return str(self.eval(f"document.querySelector({json.dumps(selector)}).innerText"))

    def wait_text(self, selector: str, wanted: str) -> None:
        try:
            until(lambda: wanted in self.text(selector), f"{wanted!r} in {selector}")
        except AssertionError as error:
            seen = self.text("body")
            raise Failed(f"{error}\npage:\n{seen}\nconsole: {self.browser.console}") from None

    def type(self, selector: str, text: str) -> None:
        """Types into a field, and Enter."""
        self.eval(f"document.querySelector({json.dumps(selector)}).focus()")
        self.browser.call("Input.insertText", self.session, text=text)
        for kind in ("keyDown", "keyUp"):
            self.browser.call(
                "Input.dispatchKeyEvent",
                self.session,
                type=kind,
                key="Enter",
                code="Enter",
                windowsVirtualKeyCode=13,
                text="\r" if kind == "keyDown" else "",
            )

    def close(self) -> None:
        self.browser.call("Target.closeTarget", targetId=self._target)

    def screenshot(self, path: Path) -> None:
        answer = self.browser.call("Page.captureScreenshot", self.session)
        path.write_bytes(base64.b64decode(answer["data"]))
