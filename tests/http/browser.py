# A headless Chromium by its DevTools protocol: what a person would do with the
# page, and what it shows then.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

NAMES = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 40
ANSWER_SECONDS = 30


def why_not():
    """Empty if there is one to run."""
    if not any(map(shutil.which, NAMES)):
        return "chromium is not installed"
    try:
        import websocket  # noqa: F401
    except ImportError:
        return "python3-websocket is not installed"
    return ""


class Browser:
    def __init__(self, width=1280, height=900):
        import websocket
        self.folder = tempfile.mkdtemp(prefix="spreadit-browser-")
        program = next(filter(None, map(shutil.which, NAMES)))
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--mute-audio",
             "--disable-background-networking", "--disable-component-update",
             "--autoplay-policy=no-user-gesture-required",
             f"--window-size={width},{height}",
             f"--user-data-dir={self.folder}", "--remote-debugging-port=0",
             "--remote-allow-origins=*", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        self.number = 0
        self.problems = []  # what the page complains of
        self.refused = []  # requests that went elsewhere
        try:
            port = self._wait_port()
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/json/list",
                    timeout=ANSWER_SECONDS) as answer:
                pages = json.load(answer)
            page = next(one for one in pages if one["type"] == "page")
            self.socket = websocket.create_connection(
                page["webSocketDebuggerUrl"], timeout=ANSWER_SECONDS)
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
            self.resize(width, height)
        except BaseException:
            self.close()
            raise

    def _wait_port(self):
        path = os.path.join(self.folder, "DevToolsActivePort")
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if os.path.exists(path):
                with open(path, encoding="ascii") as file:
                    lines = file.read().split()
                if lines:
                    return int(lines[0])
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError("the browser did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps(
            {"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def _note(self, message):
        parameters = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(
                details.get("exception", {}).get("description")
                or details["text"])
        elif message.get("method") == "Log.entryAdded":
            entry = parameters["entry"]
            if entry["level"] == "error":
                self.problems.append(
                    f"{entry['text']} {entry.get('url', '')}")
        elif message.get("method") == "Network.requestWillBeSent":
            url = parameters["request"]["url"]
            if not url.startswith(("http://127.0.0.1:", "data:", "blob:")):
                self.refused.append(url)

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=1, mobile=False)

    def colours(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && "
                  f"location.href.startsWith('{url}')")

    def run(self, script):
        """The value of an expression in the page; promises are awaited."""
        result = self.call("Runtime.evaluate", expression=script,
                           awaitPromise=True, returnByValue=True,
                           userGesture=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get(
                "description", details["text"]))
        return result["result"].get("value")

    def wait(self, script, seconds=ANSWER_SECONDS):
        """Until the expression is true; its value, or the last one."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.run(script)
            if value or time.monotonic() > deadline:
                return value
            time.sleep(0.1)

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def picture(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
