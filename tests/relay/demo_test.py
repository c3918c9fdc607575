#!/usr/bin/env python3
# tools/demo as it runs unattended: the tree stands, one peer is killed, the
# tree heals, nothing stays behind.
#
#   demo_test.py DEMO.PY BUILD
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "common"))
from ports import HOST, free_port  # noqa: E402

DEMO, BUILD = sys.argv[1:]
RUN_SECONDS = 90

failures = []


def start(port, *arguments):
    return subprocess.Popen(
        [sys.executable, DEMO, "--build", BUILD, f"--port={port}",
         "--no-window", *arguments], text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def processes_of(port):
    """Those that have the demo's URI on their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read()
        except OSError:
            continue
        if b"gst-spreadit-relay" in command and (
                f"{HOST}:{port}/".encode() in command):
            found.append(int(pid))
    return found


def check(what, condition, details=""):
    print(f"{'ok' if condition else 'FAILED'}: {what}", flush=True)
    if not condition:
        failures.append(what)
        print(details, flush=True)


def unattended():
    port = free_port()
    demo = start(port, "--seconds=20", "--kill-after=2")
    out, err = demo.communicate(timeout=RUN_SECONDS)
    check("ends with 0", demo.returncode == 0, out + err)
    check("says nothing on stderr", not err, err)
    check("heals", "is killed" in out and "healed" in out, out)
    tree = out[:out.find("From another terminal")]
    check("has three levels below the source",
          all(f" {level} " in tree for level in range(4)) and
          tree.count("receiving") == 6, tree)
    check("fits 80 columns",
          all(len(line) <= 80 for line in out.split("\n")
              if "meson devenv" not in line), out)
    check("leaves no process behind", not processes_of(port))


def stopped_and_killed():
    for number, status in ((signal.SIGTERM, 0), (signal.SIGKILL, -9)):
        port = free_port()
        demo = start(port)
        deadline = time.monotonic() + RUN_SECONDS
        while len(processes_of(port)) < 4 and time.monotonic() < deadline:
            time.sleep(0.1)
        demo.send_signal(number)
        out, err = demo.communicate(timeout=RUN_SECONDS)
        while processes_of(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        check(f"{number.name} ends it, and everything with it",
              demo.returncode == status and not processes_of(port), out + err)


def what_goes_wrong():
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        demo = start(port)
        _out, err = demo.communicate(timeout=RUN_SECONDS)
        check("port in use", demo.returncode == 1 and err ==
              f"tools/demo: port {port} is in use; end what uses it or give "
              "another with --port\n", err)
    demo = start(free_port(), "no-such-file.mp4")
    _out, err = demo.communicate(timeout=RUN_SECONDS)
    check("file that is not there", demo.returncode == 2 and
          "cannot read no-such-file.mp4" in err, err)
    demo = start(free_port(), __file__)
    _out, err = demo.communicate(timeout=RUN_SECONDS)
    check("file that is no media", demo.returncode == 1 and
          err.startswith("tools/demo: source did not start: ") and
          err.count("\n") == 1, err)


for part in (unattended, stopped_and_killed, what_goes_wrong):
    part()
sys.exit(1 if failures else 0)
