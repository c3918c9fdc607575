#!/usr/bin/env python3
# A peer without any element, in Python: joins a stream, relays it, counts what
# comes and prints figures.
#
#   embed.py spreadit://source.example:8554/live [PACKETS]
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSpreadit", "1.0")
from gi.repository import GLib, Gst, GstSpreadit  # noqa: E402


def is_rtcp(packet):
    return 192 <= packet.extract_dup(0, 2)[1] <= 223  # RFC 5761


class Peer:

    def __init__(self, uri):
        self.manager = GstSpreadit.SpreaditPeeringManager(uri=uri,
                                                           max_children=2)
        self.parents = []
        self.counts = {"rtp": 0, "rtcp": 0}
        self.failure = None
        # On the library's control thread.
        self.manager.connect("parent-changed", self.on_parent_changed)
        self.manager.connect("state-changed", self.on_state_changed)
        self.manager.connect("unavailable", self.on_unavailable)

    def on_parent_changed(self, _manager, peer_id, address, level):
        print(f"parent: {peer_id} at {address}, we are on level {level}")
        self.parents.append(address)

    def on_state_changed(self, _manager, old, new):
        print(f"state: {old.value_nick} -> {new.value_nick}")

    def on_unavailable(self, manager, error):
        self.failure = error.message
        manager.set_flushing(True)

    # Until there are `wanted` packets. pull() has served our children when it
    # returns.
    def run(self, wanted):
        while self.counts["rtp"] < wanted:
            packets = self.manager.pull()
            if packets is None:
                return
            for i in range(packets.length()):
                kind = "rtcp" if is_rtcp(packets.get(i)) else "rtp"
                self.counts[kind] += 1


def main():
    Gst.init(None)
    if len(sys.argv) < 2:
        print(f"usage: {sys.argv[0]} spreadit://HOST[:PORT]/PATH [PACKETS]",
              file=sys.stderr)
        return 2
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    peer = Peer(sys.argv[1])
    try:
        peer.manager.get_stream()
    except GLib.Error as error:
        print(error.message, file=sys.stderr)
        return 1
    puller = threading.Thread(target=peer.run, args=(wanted,))
    puller.start()
    puller.join()
    if peer.failure:
        print(peer.failure, file=sys.stderr)

    print("{rtp} RTP packets, {rtcp} RTCP".format(**peer.counts))
    stats = peer.manager.get_property("stats")
    print("state", stats.get_string("state"), "level",
          stats.get_uint("level").value, "received",
          stats.get_uint64("packets-received").value)
    print(peer.manager.get_sdp())
    peer.manager.leave_and_wait(Gst.SECOND)
    peer.manager.close()
    return 0 if peer.counts["rtp"] >= wanted and peer.parents else 1


sys.exit(main())
