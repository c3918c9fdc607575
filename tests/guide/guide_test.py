#!/usr/bin/env python3
# Runs every command of a page of docs/guide, top to bottom, as a reader would.
#
#   guide_test.py PAGE
#
# A comment before a block of sh says how it goes:
#   <!-- stays until "TEXT" -->  it says TEXT and stays; at the end it is told to
#                                leave, and does so with status 0
#   <!-- plays -->               it is still there after a while, then interrupted
#   <!-- ends -->                it ends by itself, with status 0
# A block with file=NAME is written there. What is a place of the reader's is put
# in: source.example is this host, ports are free ones, windows are not looked at.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "common"))
from ports import HOST, free_port  # noqa: E402

PLAY_SECONDS = 3
PATIENCE_SECONDS = 90
OUTPUT_MAX = 4000
BLOCK = re.compile(r'(?:<!-- (?P<how>ends|plays|stays until "(?P<until>[^"]*)") '
                   r'-->\n)?```(?P<language>\w+)(?: file=(?P<file>\S+))?\n'
                   r'(?P<text>.*?)```\n', re.S)
FIRST_PORT, LAST_PORT = 8554, 8569
# The word in the pages: the one there is (it needs no display).
STAND_INS = {"autovideosink": "fakesink sync=true",
             "autoaudiosink": "fakesink sync=true",
             "gst-play-1.0": "gst-play-1.0 --videosink=fakesink "
                             "--audiosink=fakesink --no-interactive",
             "ffplay": "ffplay -nodisp -an",
             "python3": "/usr/bin/python3"}


class Fault(Exception):
    pass


class Reader:
    def __init__(self, directory):
        self.directory = directory
        self.running = []
        self.places = {f":{name}": f":{free_port()}"
                       for name in range(FIRST_PORT, LAST_PORT + 1)}
        self.places["source.example"] = HOST

    def put_in(self, text, words):
        for word, instead in words.items():
            text = text.replace(word, instead)
        return text

    def start(self, text, output):
        return subprocess.Popen(
            ["bash", "-euc", text], cwd=self.directory,
            stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True)

    def run(self, number, block):
        text = self.put_in(block["text"], self.places)
        if block["file"]:
            # In a file the sinks' names are code; it is only for the display.
            text = self.put_in(text, {"autovideosink": "fakesink sync=true"})
            with open(os.path.join(self.directory, block["file"]), "w",
                      encoding="utf-8") as file:
                file.write(text)
            return
        if block["language"] != "sh":
            raise Fault(f"a block of {block['language']} without file=")
        if not block["how"]:
            raise Fault(f"it is not said how this goes:\n{text}")
        text = self.put_in(text, STAND_INS)
        print(f"--- {block['how']}\n{text}", flush=True)
        path = os.path.join(self.directory, f"output{number}.log")
        with open(path, "wb") as output:
            process = self.start(text, output)
        self.running.append((process, text, path))
        if block["until"]:
            self.wait_text(process, block["until"], path)
        elif block["how"] == "plays":
            time.sleep(PLAY_SECONDS)
            if process.poll() is not None:
                raise Fault(f"ended: {process.returncode}\n{read(path)}")
            self.running.pop()
            self.end(process, signal.SIGINT, None, path)
        else:
            self.running.pop()
            self.wait(process, path)
            if process.returncode:
                raise Fault(f"status {process.returncode}\n{read(path)}")

    def wait_text(self, process, text, path):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in read(path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Fault(f'does not say "{text}":\n{read(path)}')
            time.sleep(0.05)

    def wait(self, process, path):
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Fault(f"does not end:\n{read(path)}") from None

    def end(self, process, number, status, path):
        os.killpg(process.pid, number)
        self.wait(process, path)
        if "ERROR" in read(path):
            raise Fault(read(path))
        if status is not None and process.returncode not in (
                status, -number):  # the shell around it got it as well
            raise Fault(f"status {process.returncode}:\n{read(path)}")

    def leave(self):
        for process, text, path in reversed(self.running):
            if process.poll() is not None:
                raise Fault(f"has not stayed:\n{text}\n{read(path)}")
            self.end(process, signal.SIGTERM, 0, path)
        self.running = []

    def kill(self):
        for process, _text, _path in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()[-OUTPUT_MAX:]


def missing_programs(text):
    return [name for name in ("ffplay", "cc", "pkg-config", "gst-play-1.0",
                              "gst-discoverer-1.0", "curl")
            if re.search(rf"\b{re.escape(name)} ", text) and
            not shutil.which(name)]


def main():
    page = sys.argv[1]
    with open(page, encoding="utf-8") as file:
        text = file.read()
    if missing := missing_programs(text):
        print("SKIPPED: not installed:", *missing)
        sys.exit(77)
    blocks = [match.groupdict() for match in BLOCK.finditer(text)]
    if not blocks:
        print(f"{page} has no command")
        sys.exit(1)
    directory = tempfile.mkdtemp()
    reader = Reader(directory)
    try:
        for number, block in enumerate(blocks):
            reader.run(number, block)
        reader.leave()
        print(f"{len(blocks)} blocks, all as the page says")
    except Fault as fault:
        print(f"FAILED: {page}: {fault}")
        sys.exit(1)
    finally:
        reader.kill()
        shutil.rmtree(directory)


main()
