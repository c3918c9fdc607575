# A lab of network namespaces on this machine: every node has a namespace, an
# IPv4 and an IPv6 address of its own; processes run in it; its packets are
# captured. Standard library and iproute2 only.
#
#     with Lab() as lab:
#         source = lab.publish("test")
#         peer = lab.relay(source.uri)
#         peer.wait_state("receiving")
#
# Nodes hang on one bridge, in a namespace too, so that nothing outside is
# touched; or, with Lab(delay=True), on the delay switch (delay_switch.cpp).
# Lab(loopback=True) needs no rights: nodes are ports of 127.0.0.1 (no IPv6, no
# capture, no cut).
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import atexit
import contextlib
import ctypes
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "common"))
from capture import Capture, Captures  # noqa: E402
from ports import free_port  # noqa: E402

SKIPPED = 77  # meson's exit status for a skipped test
PREFIX = "spreadit-lab"
PORT = 8554
LINK_UP_SECONDS = 30  # a peer is receiving, on a loaded machine

_libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """What was expected did not happen; the text says what did."""


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIPPED)


def run(*command, check=True):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if check and done.returncode:
        raise Failure(f"{' '.join(command)}: {done.stdout.strip()}")
    return done


def why_no_rights():
    """Why namespaces cannot be made; None when they can."""
    if not shutil.which("ip"):
        return "no ip command (package iproute2)"
    probe = f"{PREFIX}-{os.getpid()}-probe"
    done = run("ip", "netns", "add", probe, check=False)
    if done.returncode:
        return "no network namespaces here: " + done.stdout.strip()
    try:
        done = run("ip", "-n", probe, "link", "add", "v0", "type", "veth",
                   "peer", "name", "v1", check=False)
        if not done.returncode:
            done = run("ip", "-n", probe, "link", "add", "b0", "type",
                       "bridge", check=False)
        if done.returncode:
            return "no veth or bridge here: " + done.stdout.strip()
        return None
    finally:
        run("ip", "netns", "delete", probe, check=False)


def require_rights():
    """Ends the program as skipped unless namespaces can be made."""
    if reason := why_no_rights():
        skip(reason)


def in_namespace(name, action):
    """What action() returns, called inside the namespace: a socket made there
    stays there."""
    result = []

    def work():
        # Of this thread alone.
        with open(f"/run/netns/{name}", "rb") as namespace:
            if _libc.setns(namespace.fileno(), 0):
                result.append(OSError(ctypes.get_errno(), f"setns {name}"))
                return
        try:
            result.append(action())
        except OSError as error:
            result.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]


def wait_for(what, condition, seconds=LINK_UP_SECONDS):
    """The first true answer of condition(); Failure after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failure(f"after {seconds} s: {what}")
        time.sleep(0.02)


class Process:
    """A command in a namespace, its output in a file."""

    def __init__(self, node, command, name, env=None):
        self.node = node
        self.name = name
        lab = node.lab
        self.output_path = os.path.join(lab.directory, name + ".log")
        with open(self.output_path, "wb") as output:
            self.popen = subprocess.Popen(
                [*node.enter, *command],
                stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=env or lab.environment)
        lab.processes.append(self)

    def output(self):
        with open(self.output_path, encoding="utf-8",
                  errors="replace") as output:
            return output.read()

    def signal(self, number):
        self.popen.send_signal(number)

    def is_running(self):
        return self.popen.poll() is None

    def wait(self, seconds):
        """The exit status; Failure when it runs on."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} still runs after {seconds} s:\n" +
                          self.output()) from None

    def kill(self):
        if self.is_running():
            self.signal(signal.SIGKILL)
        self.popen.wait()


class Relay(Process):
    """gst-spreadit-relay with its stats."""

    def __init__(self, node, arguments, uri):
        name = f"node{node.number}-{next(node.lab.counter)}"
        self.stats_path = os.path.join(node.lab.directory, name + ".stats")
        open(self.stats_path, "wb").close()
        self.uri = uri
        super().__init__(node, [
            node.lab.relay_command, f"--stats={self.stats_path}", *arguments,
            uri
        ], name)

    def all_stats(self):
        # At once: what is added meanwhile would make a line of a half.
        with open(self.stats_path, encoding="utf-8") as file:
            return [json.loads(line) for line in file.read().split("\n")[:-1]]

    def stats(self):
        """The newest line; an empty dict before the first."""
        lines = self.all_stats()
        return lines[-1] if lines else {}

    def fresh_stats(self):
        """A line written from now on."""
        before = len(self.all_stats())
        wait_for(f"{self.name} writes no stats:\n{self.output()}",
                 lambda: len(self.all_stats()) > before, 10)
        return self.stats()

    def wait_stats(self, what, condition, seconds=LINK_UP_SECONDS):
        """The first line that condition() holds for."""

        def holds():
            if not self.is_running():
                raise Failure(f"{self.name} ended, {what} awaited:\n" +
                              self.output())
            stats = self.stats()
            return stats if stats and condition(stats) else None

        try:
            return wait_for(what, holds, seconds)
        except Failure as failure:
            raise Failure(f"{self.name}: {failure}\nlast stats: "
                          f"{self.stats()}\n{self.output()}") from None

    def wait_state(self, state, seconds=LINK_UP_SECONDS):
        return self.wait_stats(f"state {state}",
                               lambda stats: stats["state"] == state, seconds)


class Node:
    def __init__(self, lab, number):
        self.lab = lab
        self.number = number
        self.namespace = f"{lab.prefix}-{number}"
        self.ipv4 = f"10.77.{number >> 8}.{number & 255}"
        self.ipv6 = f"fd77::{number:x}"
        self.port = PORT
        self.interface = "eth0"
        self.enter = ["ip", "netns", "exec", self.namespace]

    def spawn(self, *command, name=None, env=None):
        name = name or (f"node{self.number}-"
                        f"{os.path.basename(command[0])}-"
                        f"{next(self.lab.counter)}")
        return Process(self, command, name, env)

    def socket(self, make):
        return in_namespace(self.namespace, make)


def rtsp_player():
    """The program; rtsp_player.cpp says what it takes and tells."""
    return os.environ.get("SPREADIT_RTSP_PLAYER", "rtsp-player")


def plain_environment():
    """What players have on a machine without SpreadIt."""
    environment = dict(os.environ)
    for name in ("GST_PLUGIN_PATH", "LD_LIBRARY_PATH", "LD_PRELOAD"):
        environment.pop(name, None)
    environment["GST_REGISTRY"] = os.environ.get("SPREADIT_PLAIN_REGISTRY",
                                                 "plain-registry.bin")
    return environment


class LoopbackNode(Node):
    def __init__(self, lab, number):
        super().__init__(lab, number)
        self.namespace = None
        self.ipv4 = "127.0.0.1"
        self.port = free_port()
        self.interface = "lo"
        self.enter = []

    def socket(self, make):
        return make()


class Lab:
    def __init__(self, delay=False, loopback=False):
        self.loopback = loopback
        if not loopback:
            require_rights()
        self.prefix = f"{PREFIX}-{os.getpid()}"
        self.nodes = []
        self.unused = []
        self.processes = []
        self.captures = Captures()
        self.counter = itertools.count(1)
        self.delay = delay
        self.switch = None
        self.bridge = None
        self.closed = False
        self.relay_command = os.environ.get("SPREADIT_RELAY",
                                            "gst-spreadit-relay")
        self.environment = dict(os.environ)
        self.directory = tempfile.mkdtemp(prefix=PREFIX + "-")
        self._previous = {}
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._previous[number] = signal.signal(number, self._on_signal)
        self._warm_up()
        if loopback:
            return
        self._remove_stale()
        if not delay:
            self._make_bridge()

    # A plugin registry that each node would have to make for itself costs
    # seconds of both cores; and a plugin that is not there is found here.
    def _warm_up(self):
        done = run(self.relay_command, "--version", check=False)
        if done.returncode:
            raise Failure(f"{self.relay_command}: {done.stdout}")

    def _make_bridge(self):
        self.bridge = f"{self.prefix}-bridge"
        run("ip", "netns", "add", self.bridge)
        run("ip", "-n", self.bridge, "link", "add", "br0", "type", "bridge",
            "forward_delay", "0")
        run("ip", "-n", self.bridge, "link", "set", "br0", "up")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, _trace):
        if kind and issubclass(kind, Exception):
            self._show_outputs()
        self.close()

    def _show_outputs(self):
        for process in self.processes:
            output = process.output().strip()
            if output:
                print(f"--- {process.name}:\n{output[-2000:]}",
                      file=sys.stderr)

    def _on_signal(self, number, _frame):
        self.close()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    # What a run left that was killed before it could clean up.
    @staticmethod
    def _remove_stale():
        for line in run("ip", "netns", "list", check=False).stdout.split("\n"):
            name = line.split(" ")[0]
            if not name.startswith(PREFIX + "-"):
                continue
            pid = name[len(PREFIX) + 1:].split("-")[0]
            if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
                for orphan in run("ip", "netns", "pids", name,
                                  check=False).stdout.split():
                    with contextlib.suppress(OSError, ValueError):
                        os.kill(int(orphan), signal.SIGKILL)
                run("ip", "netns", "delete", name, check=False)

    def close(self):
        if self.closed:
            return
        self.closed = True
        for process in self.processes:
            process.kill()
        self.captures.close()
        if self.switch:
            self.switch.close()
        for node in self.nodes:
            if node.namespace:
                run("ip", "netns", "delete", node.namespace, check=False)
        if self.bridge:
            run("ip", "netns", "delete", self.bridge, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
        for number, previous in self._previous.items():
            signal.signal(number, previous)
        atexit.unregister(self.close)

    # --- Nodes and links ---------------------------------------------------

    def add_node(self):
        if self.unused:
            return self.unused.pop(0)
        if self.loopback:
            self.nodes.append(LoopbackNode(self, len(self.nodes) + 1))
            return self.nodes[-1]
        node = Node(self, len(self.nodes) + 1)
        run("ip", "netns", "add", node.namespace)
        self.nodes.append(node)
        run("ip", "-n", node.namespace, "link", "set", "lo", "up")
        if self.delay:
            return node
        port = f"p{node.number}"
        run("ip", "-n", self.bridge, "link", "add", port, "type", "veth",
            "peer", "name", node.interface, "netns", node.namespace)
        run("ip", "-n", self.bridge, "link", "set", port, "master", "br0",
            "up")
        self._configure(node, "16", "64")
        return node

    def _configure(self, node, ipv4_bits, ipv6_bits):
        ip = ("ip", "-n", node.namespace)
        run(*ip, "addr", "add", f"{node.ipv4}/{ipv4_bits}", "dev",
            node.interface)
        run(*ip, "addr", "add", f"{node.ipv6}/{ipv6_bits}", "dev",
            node.interface, "nodad")
        run(*ip, "link", "set", node.interface, "up")

    def start_switch(self):
        """With delay=True, once all nodes are there: links them."""
        self.switch = Switch(self)
        for node in self.nodes:
            node.interface = "switch0"
            # A network loses what it is told to lose, not what a burst to 50
            # children has too much for a queue of 500, the default.
            run("ip", "-n", node.namespace, "link", "set", node.interface,
                "txqueuelen", "10000")
            self._configure(node, "16", "64")
        return self.switch

    def prepare(self, count, delay_ms):
        """With delay=True: add_node() hands out so many nodes, each as far
        from every other."""
        nodes = [self.add_node() for _ in range(count)]
        self.start_switch()
        for a, b in itertools.combinations(nodes, 2):
            self.switch.set_delay(a, b, delay_ms)
        self.unused = nodes

    def cut(self, node):
        """Nothing gets in or out, and nobody is told."""
        run("ip", "-n", self.bridge, "link", "set", f"p{node.number}",
            "nomaster")

    def mend(self, node):
        run("ip", "-n", self.bridge, "link", "set", f"p{node.number}",
            "master", "br0")

    def block_udp(self, a, b):
        """No datagram gets from one to the other, either way."""
        if not shutil.which("nft"):
            skip("no nft command (package nftables)")
        for node, other in ((a, b), (b, a)):
            nft = ("ip", "netns", "exec", node.namespace, "nft", "add")
            run(*nft, "table", "inet", "lab")
            run(*nft, "chain", "inet", "lab", "out",
                "{ type filter hook output priority 0 ; }")
            run(*nft, "rule", "inet", "lab", "out", "ip", "daddr", other.ipv4,
                "meta", "l4proto", "udp", "drop")

    # --- Nodes of SpreadIt -------------------------------------------------

    def publish(self, what, *arguments, node=None, ipv6=False,
                scheme="spreadit"):
        node = node or self.add_node()
        host = f"[{node.ipv6}]" if ipv6 else node.ipv4
        source = Relay(node, [f"--publish={what}", *arguments],
                       f"{scheme}://{host}:{node.port}/live")
        source.wait_state("source")
        return source

    def relay(self, uri, *arguments, node=None, wait=True):
        node = node or self.add_node()
        host = "[::]" if "[" in uri else "0.0.0.0"
        relay = Relay(node, [f"--listen={host}:{node.port}", *arguments], uri)
        if wait:
            relay.wait_state("receiving")
        return relay

    def capture(self, node):
        """Records the node's RTP from now on."""
        return self.captures.add(
            Capture(node, node.socket(lambda: Capture.open(node.interface))))


class Switch:
    """The delay switch; see delay_switch.cpp for the commands."""

    def __init__(self, lab):
        command = os.environ.get("SPREADIT_DELAY_SWITCH", "delay-switch")
        nodes = [f"{node.namespace}={node.ipv4},{node.ipv6}"
                 for node in lab.nodes]
        self.popen = subprocess.Popen([command, *nodes], text=True,
                                      stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE)
        self._expect_ok("start")

    def _expect_ok(self, command):
        answer = self.popen.stdout.readline().strip()
        if answer != "ok":
            raise Failure(f"delay switch: {command}: {answer or 'ended'}")

    def command(self, text):
        self.popen.stdin.write(text + "\n")
        self.popen.stdin.flush()
        self._expect_ok(text)

    def set_delay(self, a, b, milliseconds):
        """One way, in both directions."""
        self.command(f"delay {a.number} {b.number} {milliseconds}")
        self.command(f"delay {b.number} {a.number} {milliseconds}")

    def set_loss(self, a, b, fraction):
        """From a to b."""
        self.command(f"loss {a.number} {b.number} {fraction}")

    def set_rate(self, node, bits_per_second):
        """The node's uplink; 0 is no limit."""
        self.command(f"rate {node.number} {bits_per_second}")

    def close(self):
        self.popen.stdin.close()
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


def main(tests):
    """Runs functions one after the other; the exit status for meson."""
    require_rights()
    wanted = sys.argv[1:]
    failed = 0
    for test in tests:
        name = test.__name__
        if wanted and name not in wanted:
            continue
        began = time.monotonic()
        print(f"{name} ...", flush=True)
        try:
            test()
            print(f"{name}: ok, {time.monotonic() - began:.1f} s", flush=True)
        except (Failure, OSError) as failure:
            failed += 1
            print(f"{name}: FAILED: {failure}", flush=True)
    sys.exit(1 if failed else 0)
