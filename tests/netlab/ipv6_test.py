#!/usr/bin/env python3
# A chain of two over IPv6.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import time

import netlab


def chain_of_two():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=1", ipv6=True)
        nodes = [lab.add_node(), lab.add_node()]
        captures = [lab.capture(node) for node in nodes]
        peers = [lab.relay(source.uri, "--max-children=1", node=node)
                 for node in nodes]
        levels = [peer.fresh_stats()["level"] for peer in peers]
        if levels != [1, 2]:
            raise netlab.Failure(f"levels are {levels}")
        time.sleep(1)
        for peer, capture in zip(peers, captures):
            got = capture.received()
            if not got or any(packet.destination != peer.node.ipv6
                              for packet in got):
                raise netlab.Failure(f"{peer.name}: not over IPv6")


netlab.main([chain_of_two])
