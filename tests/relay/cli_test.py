#!/usr/bin/env python3
# gst-spreadit-relay as a user meets it: exit status, and exactly one line on
# standard error when something is wrong. Everything on the loopback.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "common"))
from ports import HOST, free_port  # noqa: E402

RELAY = sys.argv[1]
# A connect and an answer take 3 s each at most; on a loaded machine.
GIVE_UP_SECONDS = 30
GRACE_SECONDS = 15

failures = []


def run(*arguments):
    return subprocess.run([RELAY, *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=GIVE_UP_SECONDS)


def check(what, condition, details=""):
    print(f"{'ok' if condition else 'FAILED'}: {what}", flush=True)
    if not condition:
        failures.append(what)
        print(details, flush=True)


def check_fails(what, status, line, *arguments):
    """`line` is the whole of standard error, without the program's name."""
    try:
        done = run(*arguments)
    except subprocess.TimeoutExpired as timeout:
        check(what, False, f"hangs: {timeout}")
        return
    expected = f"gst-spreadit-relay: {line}\n"
    check(what, done.returncode == status and done.stderr == expected,
          f"status {done.returncode}, expected {status}\n"
          f"stderr   {done.stderr!r}\nexpected {expected!r}")


class Started:
    """A relay in the background; killed when the block ends."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [RELAY, *arguments], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []
        self.errors = []
        self.threads = [
            threading.Thread(target=self._read, args=arguments, daemon=True)
            for arguments in ((self.process.stdout, self.lines),
                              (self.process.stderr, self.errors))]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def wait_line(self, condition, seconds=GIVE_UP_SECONDS):
        return self._wait(self.lines, condition, seconds)

    def wait_error(self, condition, seconds=GIVE_UP_SECONDS):
        return self._wait(self.errors, condition, seconds)

    def _wait(self, lines, condition, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in list(lines):
                if condition(line):
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        return None

    def wait_state(self, state):
        return self.wait_line(
            lambda line: line.startswith("{") and
            json.loads(line)["state"] == state)

    def stop(self, number=signal.SIGTERM):
        """Its status after the signal."""
        self.process.send_signal(number)
        try:
            status = self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        for thread in self.threads:
            thread.join(5)
        return status

    def everything(self):
        return (f"status {self.process.poll()}\nstdout {self.lines[-5:]}\n"
                f"stderr {self.errors}")


def answer_with(reply):
    """A server that says this to whatever it is asked; None is silence.
    Returns its port."""
    server = socket.create_server((HOST, 0))

    def serve():
        while True:
            connection, _ = server.accept()
            connection.recv(65536)
            if reply is not None:
                connection.sendall(reply)
            held.append(connection)

    held = []
    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1]


def uri(port, path="live"):
    return f"spreadit://{HOST}:{port}/{path}"


def wrong_usage():
    check_fails("no URI", 2,
                "no stream: give a URI, as spreadit://source.example:8554/live;"
                " try --help")
    check_fails("unknown option", 2, "Unknown option --colour; try --help",
                "--colour", uri(1))
    for bad in ("http://example.org/live", "nonsense", "spreadit://host"):
        done = run(bad)
        check(f"{bad} for a URI", done.returncode == 2 and
              done.stderr.startswith(f"gst-spreadit-relay: '{bad}' is no "
                                     "SpreadIt URI: ") and
              "spreadit://HOST[:PORT]/PATH" in done.stderr and
              done.stderr.count("\n") == 1, done.stderr)
    check_fails("bad number", 2,
                'bad max-children "few": give a whole number',
                "--max-children=few", uri(1))
    check_fails("config that is not there", 2,
                "cannot read config /no/such.conf: No such file or directory",
                "--config=/no/such.conf", uri(1))
    check_fails("stats that cannot be written", 2,
                "cannot write stats to /no/such/dir/x: "
                "No such file or directory", "--stats=/no/such/dir/x", uri(1))
    check_fails("bad description", 2,
                f'{uri(1)}: cannot build "nosuchthing ! fakesink": '
                'no element "nosuchthing"',
                "--publish=nosuchthing ! fakesink", uri(1))
    done = run("--help")
    check("--help", done.returncode == 0 and "--publish=INPUT" in done.stdout
          and not done.stderr, done.stdout + done.stderr)
    done = run("--version")
    check("--version", done.returncode == 0 and not done.stderr and
          done.stdout.startswith("gst-spreadit-relay "), done.stdout)


def unusable_inputs():
    port = free_port()
    check_fails("file that is not there", 1,
                f"{uri(port)}: cannot read /no/such.mp4: "
                "No such file or directory", "--publish=/no/such.mp4",
                uri(port))
    with tempfile.TemporaryDirectory() as folder:
        check_fails("directory for a file", 1,
                    f"{uri(port)}: cannot read {folder}: it is a directory",
                    f"--publish={folder}", uri(port))
        junk = os.path.join(folder, "junk.mp4")
        with open(junk, "wb") as file:
            file.write(b"\1\2\3\4" * 1000)
        done = run(f"--publish={junk}", uri(port))
        check("file that is no media",
              done.returncode == 1 and done.stderr.count("\n") == 1 and
              done.stderr.startswith(f"gst-spreadit-relay: {uri(port)}: "),
              done.stderr)
    done = run(f"--publish=rtsp://{HOST}:{free_port()}/x", uri(port))
    check("RTSP server that is not there",
          done.returncode == 1 and done.stderr.count("\n") == 1 and
          "onnect" in done.stderr, done.stderr)


def port_in_use():
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        for what, arguments in (
            ("port of the source in use", ["--publish=test", uri(port)]),
            ("port of a relay in use",
             [f"--listen={HOST}:{port}", uri(free_port())])):
            done = run(*arguments)
            check(what, done.returncode == 1 and
                  done.stderr.count("\n") == 1 and
                  str(port) in done.stderr and "in use" in done.stderr,
                  f"status {done.returncode}: {done.stderr}")


def checks_a_stream():
    port = free_port()
    with Started("--publish=test", "--stats=-", uri(port)) as source:
        source.wait_state("source")
        done = run("--check", uri(port))
        words = {line.split()[0]: line for line in
                 done.stdout.strip().split("\n")}
        check("--check joins and says how it is",
              done.returncode == 0 and not done.stderr and
              list(words) == [uri(port), "reached", "stream", "packets",
                              "parent", "clocks", "others"] and
              f"{HOST}:{port}, level 1" in words["reached"] and
              "video H264" in words["stream"] and
              "audio MPEG4-GENERIC" in words["stream"] and
              "over UDP, none lost" in words["packets"],
              f"{done.returncode}\n{done.stdout}{done.stderr}")
        check_fails("--check of another path", 1,
                    f"{uri(port, 'lvie')}: {HOST}:{port} has no stream "
                    "'/lvie'; check the path of the URI", "--check",
                    uri(port, "lvie"))
        check_fails("--check of what is to be published", 2,
                    "check joins a stream; it does not go with publish, start "
                    "the source first", "--check", "--publish=test", uri(port))


def nobody_there():
    port = free_port()
    check_fails("nobody there", 1,
                f"{uri(port)}: nobody answers at {HOST}:{port} (Could not "
                f"connect to {HOST}: Connection refused); is the source of "
                f"{uri(port)} running, and the port open?", uri(port))
    port = answer_with(None)
    check_fails("a server that says nothing", 1,
                f"{uri(port)}: nobody answers at {HOST}:{port}; is the source "
                f"of {uri(port)} running, and the port open?", uri(port))
    for what, reply, detail in (
        ("an RTSP server that is not SpreadIt",
         b"RTSP/1.0 551 Option not supported\r\nCSeq: 1\r\n"
         b"Unsupported: org.spreadit.1\r\n\r\n", ""),
        ("a web server", b"HTTP/1.1 400 Bad Request\r\n\r\n",
         " (not RTSP but HTTP)"),
        ("a mail server", b"220 mail.example ESMTP ready\r\n",
         " (the request line does not end with RTSP/1.0)")):
        port = answer_with(reply)
        check_fails(what, 1, f"{uri(port)}: {HOST}:{port} answers, but is not "
                    f"SpreadIt{detail}; use an rtsp:// URI and rtspsrc for it",
                    uri(port))


def at_a_source():
    port = free_port()
    with Started("--publish=test", "--max-children=0", "--stats=-",
                 uri(port)) as source:
        check("publishes", source.wait_state("source"), source.everything())
        check_fails("wrong path", 1,
                    f"{uri(port, 'other')}: {HOST}:{port} has no stream "
                    "'/other'; check the path of the URI", uri(port, "other"))
        done = run("--max-tries=3", uri(port))
        check("no room", done.returncode == 1 and
              done.stderr.count("\n") == 1 and
              "no peer has room" in done.stderr, done.stderr)
        status = source.stop(signal.SIGINT)
        check("a source ends with 0 on Ctrl-C", status == 0,
              source.everything())
        check("nothing on stderr", not source.errors, source.everything())


def joins_and_leaves():
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, Started(
            "--publish=test", "--stats=-", uri(port)) as source:
        source.wait_state("source")
        config = os.path.join(folder, "relay.conf")

        def write_config(children, listen="127.0.0.1:0", more=""):
            with open(config, "w", encoding="utf-8") as file:
                file.write(f"[relay]\nlisten={listen}\n"
                           f"max-children={children}\n{more}")

        write_config(2)
        with Started(f"--config={config}", uri(port)) as peer:
            check("joins and says so",
                  peer.wait_line(lambda line: line ==
                                 f"{uri(port)}: a child of {HOST}:{port} "
                                 "at level 1"), peer.everything())
            write_config(5, "127.0.0.1:1234")
            peer.process.send_signal(signal.SIGHUP)
            check("SIGHUP applies what it can",
                  peer.wait_line(lambda line: line ==
                                 f"{uri(port)}: max-children is now 5"),
                  peer.everything())
            for policy in ("random", "smart-placement", "knock-downs",
                           "smart-bandwidth", "auto"):
                write_config(5, "127.0.0.1:1234", f"add-policy={policy}\n"
                             f"second-add-policy={policy}\n")
                peer.process.send_signal(signal.SIGHUP)
                for name in ("add-policy", "second-add-policy"):
                    check(f"SIGHUP changes {name} to {policy}",
                          peer.wait_line(lambda line: line ==
                                         f"{uri(port)}: {name} is now "
                                         f"{policy}"), peer.everything())
            check("leaves with 0", peer.stop() == 0, peer.everything())
            check("SIGHUP says what needs a restart",
                  peer.errors and set(peer.errors) == {
                      f"gst-spreadit-relay: {uri(port)}: another listen needs "
                      "a restart"},
                  peer.everything())
        stats = os.path.join(folder, "stats")
        with Started(f"--stats={stats}", "--quiet", uri(port)) as peer:
            time.sleep(3)
            check("quiet leave", peer.stop() == 0, peer.everything())
            check("quiet is quiet", not peer.lines and not peer.errors,
                  peer.everything())
        with open(stats, encoding="utf-8") as lines:
            written = [json.loads(line) for line in lines]
        check("a line of stats each second, and at the end",
              len(written) >= 3 and
              written[-1]["packets-received"] > 0, written)
        expected = {"time", "uri", "id", "state", "level", "parent",
                    "root-path", "children", "packets-received",
                    "packets-lost", "packets-repaired", "packets-duplicate",
                    "bytes-in", "bytes-out", "control-bytes-in",
                    "control-bytes-out", "discover-ms", "first-packet-ms",
                    "switches", "transience-ms", "subtree"}
        check("stats have every field",
              expected <= set(written[-1]), expected - set(written[-1]))


def logs_in_json():
    port = free_port()
    with Started("--publish=test", "--log=json", uri(port)) as source:
        check("says what happens", source.wait_error(
            lambda line: json.loads(line)["event"] == "publishing"),
              source.everything())
        with Started("--stats=-", uri(port)) as peer:
            peer.wait_state("receiving")
            peer.stop()
        check("of children, too", source.wait_error(
            lambda line: json.loads(line)["event"] == "child-left"),
              source.everything())
        # The port is taken, and that is no news.
        done = run("--publish=test", "--log=json", "--quiet", uri(port))
        wrong = json.loads(done.stderr)
        check("errors likewise", done.returncode == 1 and
              wrong["level"] == "error" and wrong["stream"] == uri(port) and
              str(port) in wrong["message"], done)
        source.stop()
        check("nothing but that", not source.lines and all(
            set(json.loads(line)) == {"time", "level", "event", "stream",
                                      "message"}
            for line in source.errors), source.everything())


def several_streams():
    first, second = free_port(), free_port()
    with Started("--publish=test", "--stats=-", uri(first)) as one, Started(
            "--publish=test", "--stats=-", uri(second, "b")) as two:
        one.wait_state("source")
        two.wait_state("source")
        listen = free_port()
        with Started(f"--listen={HOST}:{listen}", "--stats=-", uri(first),
                     uri(second, "b")) as both:
            for name in (uri(first), uri(second, "b")):
                check(f"joins {name}", both.wait_line(
                    lambda line, name=name: json.loads(line)["uri"] == name
                    and json.loads(line)["state"] == "receiving"),
                      both.everything())
            one.stop()
            time.sleep(1)
            check("one stream ends, the other goes on",
                  both.process.poll() is None, both.everything())
            check("leaves both with 0", both.stop() == 0, both.everything())


def second_signal_leaves_at_once():
    port = free_port()
    with Started("--publish=test", "--stats=-", uri(port)) as source:
        source.wait_state("source")
        with Started("--stats=-", "--linger=20000", uri(port)) as peer:
            peer.wait_state("receiving")
            # A child that cannot move holds the leaver.
            address = json.loads(peer.lines[-1])["address"]
            stuck = Started("--stats=-", "--listen=127.0.0.1:0",
                            f"spreadit://{address}/live")
            with stuck:
                stuck.wait_state("receiving")
                stuck.process.send_signal(signal.SIGSTOP)
                peer.process.send_signal(signal.SIGTERM)
                time.sleep(0.5)
                waited = peer.process.poll() is None
                began = time.monotonic()
                status = peer.stop()
                took = time.monotonic() - began
                check("waits for its child", waited, peer.everything())
                check("second signal ends it",
                      status == 1 and took < 5 and len(peer.errors) == 1,
                      f"after {took:.1f} s\n{peer.everything()}")


began = time.monotonic()
for part in (wrong_usage, unusable_inputs, port_in_use, checks_a_stream,
             nobody_there, at_a_source, joins_and_leaves, logs_in_json, several_streams,
             second_signal_leaves_at_once):
    print(f"--- {part.__name__}", flush=True)
    part()
    print(f"    {time.monotonic() - began:.1f} s so far")
print(f"{len(failures)} failed: {failures}" if failures else "all ok")
sys.exit(1 if failures else 0)
