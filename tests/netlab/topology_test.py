#!/usr/bin/env python3
# The topologies of the paper's Figure 6 with six peers: Star, Local Tree and
# Chain. Levels are as they should be, and at every level the RTP is, byte by
# byte and without a gap, what the source sent.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import time

import netlab
from trees import Tree

LISTEN_SECONDS = 2


def check(source_children, waves, expected):
    """`waves` are groups of peers by how many children they take."""
    with netlab.Lab() as lab:
        tree = Tree(lab, source_children)
        for wave in waves:
            tree.grow(*wave)
        levels = tree.levels()
        if levels != expected:
            raise netlab.Failure(f"levels are {levels}, not {expected}")
        time.sleep(LISTEN_SECONDS)
        tree.check_identical()
        tree.check_complete()
        for peer in tree.peers:
            stats = peer.fresh_stats()
            delay = stats.get("delay-ms", {})
            print(f"  level {stats['level']}: {stats['packets-received']} "
                  f"packets, {stats['packets-lost']} lost, delay p50 "
                  f"{delay.get('p50', float('nan')):.3f} p99 "
                  f"{delay.get('p99', float('nan')):.3f} ms, parent found in "
                  f"{stats.get('discover-ms', float('nan')):.1f} ms, first "
                  f"packet after "
                  f"{stats.get('first-packet-ms', float('nan')):.1f} ms")
            if stats["packets-lost"]:
                raise netlab.Failure(f"{peer.name} lost packets: {stats}")


def star():
    check(6, [[0] * 6], [1] * 6)


def local_tree():
    check(1, [[2], [2, 1], [0, 0, 0]], [1, 2, 2, 3, 3, 3])


def chain():
    check(1, [[1]] * 6, [1, 2, 3, 4, 5, 6])


netlab.main([star, local_tree, chain])
