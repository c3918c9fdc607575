#!/usr/bin/env python3
# See tools/demo. Standard library only.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import ctypes
import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import demo_view

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOST = "127.0.0.1"
# Children each node takes; few, so that six peers are three levels.
SOURCE_CHILDREN = 2
PEER_CHILDREN = (2, 1, 2, 1, 2, 2)
START_SECONDS = 30
STAGGER_SECONDS = 0.4
HEAL_SECONDS = 15
END_SECONDS = 6
PR_SET_PDEATHSIG = 1


class Problem(Exception):
    """Ends the demo; the text is for the user."""


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A process that does not outlive the demo, nor hears its Ctrl-C."""

    def __init__(self, name, command, environment):
        self.name = name
        self.errors = []
        self.process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, preexec_fn=die_with_parent)
        for stream, take in ((self.process.stdout, self.take_line),
                             (self.process.stderr, self.errors.append)):
            threading.Thread(target=self._read, args=(stream, take),
                             daemon=True).start()

    @staticmethod
    def _read(stream, take):
        for line in stream:
            take(line.rstrip("\n"))

    def take_line(self, line):
        pass

    def is_running(self):
        return self.process.poll() is None

    def send(self, number):
        if self.is_running():
            self.process.send_signal(number)

    def why_it_ended(self):
        time.sleep(0.1)  # the last words may still be on their way
        said = [line for line in self.errors if line.strip()]
        return said[0] if said else f"exit status {self.process.poll()}"


class Node(Program):
    """gst-spreadit-relay and its newest stats."""

    def __init__(self, name, arguments, environment):
        self.stats = {}
        self.fate = ""  # "killed" or "gone" in the end
        super().__init__(
            name, ["gst-spreadit-relay", "--stats=-", *arguments], environment)

    def take_line(self, line):
        try:
            self.stats = json.loads(line)
        except ValueError:
            self.errors.append(line)

    @property
    def id(self):
        return self.stats.get("id", "")

    def is_receiving(self):
        return self.stats.get("state") in ("receiving", "source")

    def address(self):
        return self.stats.get("address", "")


def environment_of(build):
    environment = dict(os.environ)

    def prepend(name, path):
        old = environment.get(name)
        environment[name] = path + (os.pathsep + old if old else "")

    prepend("PATH", os.path.join(build, "tools"))
    prepend("GST_PLUGIN_PATH", os.path.join(build, "plugins", "spreadit"))
    prepend("LD_LIBRARY_PATH", os.path.join(build, "gst", "spreadit"))
    environment["GST_REGISTRY"] = os.path.join(build, "registry.bin")
    return environment


def check_port(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Problem(f"port {port} is in use; end what uses it or "
                              f"give another with --port") from None
            raise Problem(f"cannot listen on port {port}: "
                          f"{error.strerror}") from None


class Demo:
    def __init__(self, options):
        self.options = options
        self.uri = f"spreadit://{HOST}:{options.port}/live"
        self.environment = environment_of(options.build)
        self.tty = sys.stdout.isatty()
        self.colours = self.tty and "NO_COLOR" not in os.environ
        self.began = time.monotonic()
        self.source = None
        self.peers = []
        self.window = None
        self.ending = False
        self.said = []  # lines of what has happened, newest last
        self.shown = {}  # name -> (state, parent's name)
        self.victim = None
        self.orphans = []
        self.killed_at = None
        self.healed = False

    # --- Words ---------------------------------------------------------------

    def clock(self):
        seconds = int(time.monotonic() - self.began)
        return f"{seconds // 60}:{seconds % 60:02}"

    def say(self, text):
        line = f"{self.clock()}  {text}"
        self.said.append(line)
        if not self.tty:
            print(line, flush=True)

    def name_of(self, identity):
        for node in [self.source, *self.peers]:
            if node.id == identity:
                return node.name
        return "a guest"

    def tell_changes(self):
        for peer in self.peers:
            if peer.fate:
                continue
            if not peer.is_running():
                peer.fate = "gone"
                self.say(f"{peer.name} has ended: {peer.why_it_ended()}")
                continue
            state = peer.stats.get("state", "")
            parent = (self.name_of(peer.stats.get("parent-id", ""))
                      if state == "receiving" else "")
            if self.shown.get(peer.name, ("", "")) == (state, parent):
                continue
            self.shown[peer.name] = (state, parent)
            if parent:
                self.say(f"{peer.name} receives from {parent}, "
                         f"level {peer.stats.get('level')}")
            elif state == "transient":
                self.say(f"{peer.name} has lost its parent")

    def table(self):
        return demo_view.draw_tree(self.source, self.peers, self.colours)

    def how_to_join(self):
        devenv = f"meson devenv -C {os.path.relpath(self.options.build)}"
        commands = (
            f"{devenv} gst-launch-1.0 spreaditsrc uri={self.uri} ! decodebin "
            "! autovideosink",
            f"{devenv} gst-spreadit-relay {self.uri}",
            f"ffplay rtsp://{HOST}:{self.options.port}/live",
        )
        return ["From another terminal, here:"] + [
            line for command in commands
            for line in demo_view.fold_command(command)]

    def draw(self):
        if not self.tty:
            return
        size = shutil.get_terminal_size()
        lines = [f"SpreadIt  {self.uri}  {self.clock()}  Ctrl-C ends it", ""]
        lines += self.table() + [""] + self.how_to_join() + [""]
        notes = list(demo_view.NOTES) + [""]
        if len(lines) + len(notes) + 4 <= size.lines:
            lines += notes
        news = [line for said in self.said
                for line in textwrap.wrap(said, size.columns - 1,
                                          subsequent_indent=" " * 6)]
        room = max(size.lines - len(lines) - 1, 0)
        lines += news[-room:] if room else []
        shown = [f"{line}\x1b[K" for line in lines[:size.lines - 1]]
        # What does not fit is cut off, not wrapped: the rows stay in place.
        sys.stdout.write("\x1b[?7l\x1b[H" + "\n".join(shown) +
                         "\n\x1b[J\x1b[?7h")
        sys.stdout.flush()

    # --- What happens --------------------------------------------------------

    def start(self):
        check_port(self.options.port)
        publish = self.options.file or "test"
        loop = ["--loop"] if self.options.file else []
        self.source = Node("source", [
            f"--publish={publish}", *loop, f"--max-children={SOURCE_CHILDREN}",
            self.uri
        ], self.environment)
        self.wait_until(self.source.is_receiving, self.source)
        self.say("the source is on the air")
        for number, children in enumerate(PEER_CHILDREN, 1):
            peer = Node(f"peer {number}", [
                f"--listen={HOST}:0", f"--max-children={children}", self.uri
            ], self.environment)
            self.peers.append(peer)
            # One after the other, for the tree to grow as it is read.
            self.pause(STAGGER_SECONDS)
        for peer in self.peers:
            self.wait_until(peer.is_receiving, peer)
        if self.ending:
            return
        self.open_window()
        if not self.tty:
            print("\n".join(["", *self.table(), "", *self.how_to_join(), ""]),
                  flush=True)

    def pause(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.ending:
            self.step()

    def step(self):
        self.tell_changes()
        if self.window and not self.window.is_running():
            self.say("the window has closed: " + self.window.why_it_ended())
            self.window = None
        self.draw()
        time.sleep(0.1)

    def wait_until(self, condition, program):
        deadline = time.monotonic() + START_SECONDS
        while not condition() and not self.ending:
            if not program.is_running():
                raise Problem(f"{program.name} did not start: "
                              f"{program.why_it_ended()}")
            if time.monotonic() > deadline:
                raise Problem(f"{program.name} does not get the stream within "
                              f"{START_SECONDS} s: {program.stats}")
            self.step()

    def open_window(self):
        has_display = any(os.environ.get(name)
                          for name in ("DISPLAY", "WAYLAND_DISPLAY"))
        if self.options.no_window or not has_display:
            return
        deepest = max((peer for peer in self.peers if not peer.fate),
                      key=lambda peer: peer.stats.get("level", 0))
        self.window = Program("window", [
            "gst-launch-1.0", "-q", "spreaditsrc",
            f"uri=spreadit://{deepest.address()}/live", "relay=false", "!",
            "decodebin", "!", "autovideosink"
        ], self.environment)
        self.say(f"the window plays what {deepest.name} passes on")

    def descendants(self, node):
        found = []
        for peer in self.peers:
            if not peer.fate and peer.stats.get("parent-id") == node.id:
                found += [peer, *self.descendants(peer)]
        return found

    def kill_one(self):
        """The inner peer that most depend on."""
        alive = [peer for peer in self.peers if not peer.fate]
        lowest = max((peer.stats.get("level", 0) for peer in alive), default=0)

        def worth(peer):
            below = self.descendants(peer)
            has_lowest = any(other.stats.get("level") == lowest
                             for other in below)
            return len(below), has_lowest

        victim = max(alive, key=worth, default=None)
        if not victim or not self.descendants(victim):
            self.healed = True  # nobody depends on anybody: nothing to show
            return
        self.victim = victim
        self.orphans = self.descendants(victim)
        self.killed_at = time.monotonic()
        victim.send(signal.SIGKILL)
        victim.fate = "killed"
        names = ", ".join(peer.name for peer in self.orphans)
        self.say(f"{victim.name} is killed (kill -9); below it: {names}")

    # Each reports at its next line of stats, so that a second may pass until
    # we know what took a fraction of it.
    def watch_healing(self):
        if self.healed:
            return
        fresh = all(
            peer.stats.get("time", 0) / 1e6 > self.killed_wall
            and peer.is_receiving()
            and peer.stats.get("parent-id") != self.victim.id
            for peer in self.orphans if not peer.fate)
        took = time.monotonic() - self.killed_at
        if fresh and took > 1.5:
            self.healed = True
            children = [peer for peer in self.orphans
                        if peer.stats.get("switches")]
            gaps = ", ".join(
                f"{peer.stats['transience-ms']['last']:.0f} ms at {peer.name}"
                for peer in children if peer.stats.get("transience-ms"))
            self.say("healed; the stream stopped for " + (gaps or "nobody"))
            if not self.tty:
                print("\n".join(["", *self.table(), ""]), flush=True)
        elif took > HEAL_SECONDS:
            raise Problem(f"the tree did not heal within {HEAL_SECONDS} s")

    @property
    def killed_wall(self):
        return time.time() - (time.monotonic() - self.killed_at)

    def run(self):
        self.start()
        ready = time.monotonic()
        while not self.ending:
            now = time.monotonic()
            if self.options.seconds and (now - self.began >
                                         self.options.seconds):
                break
            if not self.source.is_running():
                raise Problem("the source has ended: " +
                              self.source.why_it_ended())
            if (self.options.kill_after and not self.victim and
                    not self.healed and
                    now - ready > self.options.kill_after):
                self.kill_one()
            if self.victim:
                self.watch_healing()
            self.step()
        lost = [peer.name for peer in self.peers
                if not peer.fate and not peer.is_receiving()]
        if lost and not self.ending:
            raise Problem("does not receive: " + ", ".join(lost))

    def end(self):
        """The source says that the stream is over; whoever does not go by
        that is killed."""
        programs = [program for program in
                    [self.source, *self.peers, self.window] if program]
        if self.window:
            self.window.send(signal.SIGTERM)
        if self.source:
            self.source.send(signal.SIGTERM)
        deadline = time.monotonic() + END_SECONDS
        while (any(program.is_running() for program in programs) and
               time.monotonic() < deadline):
            time.sleep(0.05)
        for program in programs:
            if program.is_running():
                program.send(signal.SIGKILL)
            program.process.wait()

    def on_signal(self, _number, _frame):
        self.ending = True


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="tools/demo", formatter_class=argparse.RawTextHelpFormatter,
        description="A source and six peers on this machine: who feeds whom, "
        "how well,\nand what happens when one of them is killed.")
    parser.add_argument("file", nargs="?", metavar="FILE",
                        help="play this, again and again, instead of a test "
                        "picture")
    parser.add_argument("--port", type=int, default=8554,
                        help="where the source listens (8554)")
    parser.add_argument("--kill-after", type=float, default=20, metavar="S",
                        help="kill an inner peer after S seconds; 0: none (20)")
    parser.add_argument("--seconds", type=float, default=0, metavar="N",
                        help="end after N seconds (run until Ctrl-C)")
    parser.add_argument("--no-window", action="store_true",
                        help="no picture, even if there is a display")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"),
                        metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.file and not os.access(options.file, os.R_OK):
        parser.error(f"cannot read {options.file}")
    if options.file:
        options.file = os.path.abspath(options.file)
    if not 1 <= options.port <= 65535:
        parser.error(f"no port: {options.port}")
    options.build = os.path.abspath(options.build)
    return options


def main():
    demo = Demo(parse_arguments())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, demo.on_signal)
    if demo.tty:
        # The alternate screen; the cursor is in the way.
        sys.stdout.write("\x1b[?1049h\x1b[?25l\x1b[2J")
    problem = None
    try:
        demo.run()
    except Problem as found:
        problem = found
    finally:
        last = demo.table() if demo.source else []
        demo.end()
        if demo.tty:
            sys.stdout.write("\x1b[?25h\x1b[?1049l")
            print("\n".join(last + [""] + demo.said))
    if problem:
        print(f"tools/demo: {problem}", file=sys.stderr)
        sys.exit(1)
    print("ended", flush=True)


main()
