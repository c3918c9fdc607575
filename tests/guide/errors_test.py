#!/usr/bin/env python3
# What a person gets wrong, and what it says then: provokes each mistake and holds
# docs/guide/errors.md against the answers.
#
#   errors_test.py GUIDE [--write]
#
# With --write it writes the page instead.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "common"))
from ports import HOST, free_port  # noqa: E402

PATIENCE_SECONDS = 60
NOBODY = 65534  # the user
HEAD = """# When something is wrong

What it says, why, and what to do. This page is written by
`tests/guide/errors_test.py`, which makes each mistake and takes the answer down.
`gst-spreadit-relay` says it in one line on standard error and ends, with status 2
where nothing was started for wrong usage, with 1 where a stream failed; in an
application the text is the bus's error message or the manager's `unavailable`.

| mistake | command | status | it says |
|---|---|---|---|
"""


class Source:
    def __init__(self, port, *arguments):
        self.process = subprocess.Popen(
            ["gst-spreadit-relay", "--publish=test", *arguments,
             f"spreadit://{HOST}:{port}/live"],
            stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if "publishing" in line:
                return
        raise SystemExit("the source does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()


def mistakes(port, full, unused, directory):
    """(what, arguments, whether as an ordinary user)"""
    live = f"spreadit://{HOST}:{port}/live"
    anywhere = f"spreadit://{HOST}:0/live"
    text = os.path.join(directory, "notes.txt")
    secret = os.path.join(directory, "secret.mp4")
    for name in (text, secret):
        with open(name, "w", encoding="utf-8") as file:
            file.write("words, no stream\n" * 100)
    os.chmod(secret, 0)
    yield "a slash is missing in the URI", [f"spreadit:/{HOST}/live"], False
    yield "another scheme", [f"http://{HOST}:{port}/live"], False
    yield ("TLS, and the source has none", [f"spreadits://{HOST}:{port}/live"],
           False)
    yield ("the certificate is not there",
           ["--publish=test", "--tls-certificate=relay.pem",
            f"spreadits://{HOST}:0/live"], False)
    yield "no port to ask", [anywhere], False
    yield "the path is misspelt", [f"spreadit://{HOST}:{port}/lvie"], False
    yield ("the host is misspelt", ["spreadit://soruce.invalid/live"], False)
    yield ("the source does not run", [f"spreadit://{HOST}:{unused}/live"],
           False)
    yield ("the source is saturated, and nobody else there",
           [f"spreadit://{HOST}:{full}/live", "--max-tries=4"], False)
    yield ("the port is taken", ["--publish=test", live], False)
    yield ("a port of the administrator's",
           ["--publish=test", f"spreadit://{HOST}:80/live"], True)
    yield ("the file to publish is not there",
           ["--publish=holiday.mp4", anywhere], False)
    yield ("it is not for us to read", [f"--publish={secret}", anywhere], True)
    yield "it is no media file", [f"--publish={text}", anywhere], False
    yield ("a codec that RTP cannot carry",
           ["--publish=videotestsrc ! avenc_flashsv", anywhere], False)
    yield ("no such element", ["--publish=videotestsource", anywhere], False)
    yield ("the camera is not there",
           [f"--publish=rtsp://{HOST}:{unused}/camera", anywhere], False)
    yield "an option is misspelt", ["--max-childen=3", live], False
    yield "a number that is none", ["--max-children=many", live], False
    yield "no such policy", ["--add-policy=best", live], False
    yield "no such config", ["--config=relay.cfg"], False
    yield "nothing to do", [], False


# What differs from run to run and from machine to machine.
def steady(text, names):
    for value, name in names:
        text = text.replace(value, name)
    return text


AS_USER = ["setpriv", f"--reuid={NOBODY}", "--clear-groups"]


def can_be_another():
    """Root can, if others may use what is built here."""
    if os.geteuid() or not shutil.which("setpriv"):
        return False
    done = subprocess.run([*AS_USER, "gst-spreadit-relay", "--version"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return done.returncode == 0 and not done.stderr


def answer(arguments, as_user, directory):
    command = ["gst-spreadit-relay", *arguments]
    if as_user:
        command = [*AS_USER, *command]
    done = subprocess.run(command, text=True, timeout=PATIENCE_SECONDS,
                          cwd=directory, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return done.returncode, done.stderr


def row(what, arguments, status, said):
    def cell(text):
        return text.replace("|", "\\|")

    words = [f"'{word}'" if " " in word else word for word in arguments]
    return (f"| {what} | `{cell(' '.join(['gst-spreadit-relay', *words]))}` | "
            f"{status} | {cell(said)} |")


def main():
    guide = sys.argv[1]
    rows, failures = [], []
    may_be_another = can_be_another()
    port, full, unused = free_port(), free_port(), free_port()
    with tempfile.TemporaryDirectory() as directory, \
            Source(port), Source(full, "--max-children=0"):
        os.chmod(directory, 0o755)
        names = [(directory + "/", ""), (str(port), "8554"),
                 (str(full), "8554"), (str(unused), "8554"),
                 (HOST, "192.0.2.7")]
        for what, arguments, as_user in mistakes(port, full, unused,
                                                 directory):
            if as_user and not may_be_another:
                print(f"not tried, needs root: {what}")
                rows.append(None)
                continue
            status, said = answer(arguments, as_user, directory)
            lines = said.strip().split("\n")
            if status not in (1, 2) or len(lines) != 1:
                failures.append(f"{what}: status {status}, {len(lines)} "
                                f"lines: {said}")
            rows.append(row(what, [steady(a, names) for a in arguments], status,
                            steady(lines[0], names)))
    if "--write" in sys.argv:
        with open(guide, "w", encoding="utf-8") as page:
            page.write(HEAD + "\n".join(rows) + "\n")
    else:
        with open(guide, encoding="utf-8") as page:
            written = page.read()[len(HEAD):].rstrip("\n").split("\n")
        if len(written) != len(rows):
            failures.append(f"{guide} has {len(written)} mistakes, not "
                            f"{len(rows)}; write it anew with --write")
        for old, new in zip(written, rows):
            # The system's own words differ by version.
            if new and re.sub(r"\([^()]*\)", "", old) != re.sub(
                    r"\([^()]*\)", "", new):
                failures.append(f"the guide has\n  {old}\nbut it is\n  {new}")
    print("\n".join(failures) or f"{len(rows)} mistakes, one line each")
    sys.exit(1 if failures else 0)


main()
