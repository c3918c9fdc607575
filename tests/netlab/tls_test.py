#!/usr/bin/env python3
# spreadits://: on the wire there is nothing to read, peers that die cost no
# packet, unmodified players play rtsps://, and who asks for another source than
# this one is told.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import re
import signal
import socket

import netlab
from capture import ETH_P_ALL
from netlab import PORT

PATIENCE_SECONDS = 30
ENOUGH_FRAMES = 50


class Wiretap:
    """All that goes over a node's interface, as a third party has it."""

    def __init__(self, node):
        def make():
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            tap.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
            tap.bind((node.interface, ETH_P_ALL))
            tap.setblocking(False)
            return tap

        self.socket = node.socket(make)
        self.heard = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def listen(self):
        while True:
            try:
                self.heard += self.socket.recv(70000)
            except BlockingIOError:
                return self.heard


def start(lab, scheme):
    source = lab.publish("test", "--max-children=1", scheme=scheme)
    uri = source.uri
    if scheme == "spreadits":
        said = re.search(r"\?id=[0-9a-f]{32}", source.output())
        if not said:
            raise netlab.Failure(f"no id is said:\n{source.output()}")
        uri += said.group()
    return source, uri


def readable(lab, scheme):
    """What a wiretap at a relay in the middle makes of it."""
    source, uri = start(lab, scheme)
    node = lab.add_node()
    with Wiretap(node) as tap:
        lab.relay(uri, "--max-children=1", node=node)
        leaf = lab.relay(uri, "--max-children=0")
        leaf.wait_stats("packets", lambda stats:
                        stats["packets-received"] > 100)
        heard = tap.listen()
        if leaf.stats()["level"] != 2 or leaf.stats()["packets-lost"]:
            raise netlab.Failure(leaf.stats())
        ssrc = re.search(rb"a=ssrc:([0-9]+)", heard)
        words = [word for word in (b"RTSP/1.0", b"m=video", b"SpreadIt-Peer")
                 if word in heard]
        # How every packet of the picture has it, in SpreadIt's own words too.
        if ssrc and int(ssrc.group(1)).to_bytes(4, "big") in heard:
            words.append(b"packets")
        return words, len(heard)


def nobody_reads_it_on_the_way():
    with netlab.Lab() as lab:
        words, size = readable(lab, "spreadit")
        if len(words) != 4:  # or the tap is deaf
            raise netlab.Failure(f"of {size} bytes without TLS: {words}")
    with netlab.Lab() as lab:
        words, size = readable(lab, "spreadits")
        print(f"  {size} bytes heard")
        if words or size < 50_000:
            raise netlab.Failure(f"of {size} bytes with TLS: {words}")


def parents_that_are_killed_cost_no_packet():
    with netlab.Lab() as lab:
        source, uri = start(lab, "spreadits")
        for _ in range(3):
            parent = lab.relay(uri, "--max-children=1")
            child = lab.relay(uri, "--max-children=1")
            leaf = lab.relay(uri, "--max-children=0")
            leaf.wait_stats("level 3", lambda stats: stats["level"] == 3)
            child.wait_stats("standby", lambda stats: stats["standby"])
            parent.kill()
            parent.wait(PATIENCE_SECONDS)
            child.wait_stats("the source as its parent", lambda stats:
                             stats["state"] == "receiving" and
                             stats["level"] == 1)
            before = leaf.fresh_stats()["packets-received"]
            stats = leaf.wait_stats("packets", lambda stats:
                                    stats["packets-received"] > before + 100)
            print(f"  transience {child.stats()['transience-ms']['last']:.0f}"
                  f" ms, {stats['packets-lost']} lost")
            for relay in (child, leaf):
                if relay.fresh_stats()["packets-lost"]:
                    raise netlab.Failure(relay.stats())
            for relay in (leaf, child):
                relay.signal(signal.SIGTERM)
                if relay.wait(PATIENCE_SECONDS):
                    raise netlab.Failure(relay.output())
            source.wait_stats("all gone", lambda stats: not stats["children"])


def unmodified_players_play_it():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=3", scheme="spreadits")
        url = f"rtsps://{source.node.ipv4}:{PORT}/live"
        ffmpeg = lab.add_node().spawn(
            "ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp",
            "-i", url, "-t", "3", "-f", "framemd5", "-",
            env=netlab.plain_environment())
        # Nobody has signed for the source: it has to be told to go on.
        rtspsrc = lab.add_node().spawn(
            netlab.rtsp_player(),
            "--unverified", f"--buffers={ENOUGH_FRAMES}", url,
            env=netlab.plain_environment())
        for player in (ffmpeg, rtspsrc):
            if status := player.wait(PATIENCE_SECONDS):
                raise netlab.Failure(f"{player.name}: status {status}:\n"
                                     f"{player.output()}")
        frames = [line for line in ffmpeg.output().split("\n")
                  if line.startswith("0,")]
        print(f"  ffmpeg: {len(frames)} frames decoded")
        if len(frames) < ENOUGH_FRAMES:
            raise netlab.Failure(ffmpeg.output())


def check_fails(relay, *expected):
    status = relay.wait(PATIENCE_SECONDS)
    lines = [line for line in relay.output().split("\n")
             if line.startswith("gst-spreadit-relay: ")]
    print(f"  {lines}")
    if status != 1 or len(lines) != 1 or not all(
            words in lines[0] for words in expected):
        raise netlab.Failure(f"status {status}:\n{relay.output()}")


def who_is_not_the_source_is_refused():
    with netlab.Lab() as lab:
        source, uri = start(lab, "spreadits")
        check_fails(lab.relay(source.uri, wait=False),
                    "does not prove to be the source", "tls-ca", "?id=")
        check_fails(lab.relay(uri[:-32] + 32 * "7", wait=False),
                    "does not prove to be the source", uri[-32:])
        plain = source.uri.replace("spreadits", "spreadit")
        check_fails(lab.relay(plain, wait=False), "spreadits://")
        for relay in (lab.relay(uri),):
            relay.wait_state("receiving")


netlab.main([
    nobody_reads_it_on_the_way, parents_that_are_killed_cost_no_packet,
    unmodified_players_play_it, who_is_not_the_source_is_refused
])
