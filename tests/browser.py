"""A headless Chromium driven over its own pipe (the DevTools protocol): no driver program, no further library."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT_S = 60


def find_browser() -> str | None:
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Page:
    """One page: evaluate script, press keys, take pictures; errors and console messages gather in `errors`."""

    def __init__(self, browser: "Browser") -> None:
        self.browser = browser
        self.errors: list[str] = []
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        return self.browser.call(method, page=self, **values)

    def open(self, url: str | Path, *, wait_s: float = WAIT_S) -> None:
        self.loaded = False
        self.call("Page.navigate", url=url.absolute().as_uri() if isinstance(url, Path) else url)
        end = time.monotonic() + wait_s
        while not self.loaded:
            assert time.monotonic() < end, "the page did not load"
            self.browser.receive(self)

    def run(self, script: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        code = {"Tab": 9, "Enter": 13, " ": 32}[key]
        text = {"Enter": "\r", " ": " "}.get(key, "")
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, text=text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def speaks(self, languages: str) -> None:
        """Set the languages of the reader's browser, best first: "zh-TW,en"."""
        self.call("Emulation.setUserAgentOverride", userAgent="", acceptLanguage=languages)

    def size(self, width: int, height: int, *, scale: float = 1, phone: bool = False) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone)

    def media(self, **features: str) -> None:
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=wanted)

    def picture(self, path: Path, *, whole: bool = False) -> None:
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    def pdf(self, path: Path) -> None:
        data = self.call("Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69)["data"]
        path.write_bytes(base64.b64decode(data))

    def hear(self, message: dict[str, Any]) -> None:
        method, values = message["method"], message["params"]
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(values["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and values["type"] in ("error", "warning", "assert"):
            self.errors.append(json.dumps(values["args"]))
        elif method == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
            self.errors.append(values["entry"]["text"])
        elif method == "Network.requestWillBeSent" and not values["request"]["url"].startswith(("file:", "data:", "about:")):
            self.errors.append(f"asked for {values['request']['url']}")


class Browser:
    """A running browser: messages are JSON, each ended by a zero byte, on its file descriptors 3 (in) and 4 (out)."""

    def __init__(self, program: str, profile: str) -> None:
        there_r, self.to = os.pipe()
        self.back, there_w = os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        flags += ["--no-first-run", "--disable-extensions", "--disable-background-networking", "--remote-debugging-pipe"]
        wrapped = f'exec 3<&{there_r} 4>&{there_w}; exec "$0" "$@"'
        self.process = subprocess.Popen(
            ["bash", "-c", wrapped, program, *flags, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(there_r, there_w),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there_r)
        os.close(there_w)
        self.number, self.rest = 0, b""
        self.waiting: list[dict[str, Any]] = []

    def call(self, method: str, page: Page | None = None, **values: Any) -> dict[str, Any]:
        self.number += 1
        message = {"id": self.number, "method": method, "params": values}
        if page is not None:
            message["sessionId"] = page.session
        self._send(json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive(page)
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def receive(self, page: Page | None) -> dict[str, Any]:
        while b"\0" not in self.rest:
            part = os.read(self.back, 1 << 20)
            assert part, "the browser has gone"
            self.rest += part
        text, _, self.rest = self.rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if page is not None and "method" in message and message.get("sessionId") == getattr(page, "session", None):
            page.hear(message)
        return message

    def close(self) -> None:
        with suppress(AssertionError, OSError):
            self.call("Browser.close")
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.back)

    def _send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.to, data) :]


@contextmanager
def browser(program: str) -> Iterator[Browser]:
    """Run a browser with an empty profile of its own, and end it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        running = Browser(program, profile)
        try:
            yield running
        finally:
            running.close()
