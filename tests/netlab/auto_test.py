#!/usr/bin/env python3
# Add policy auto, each peer with an address of its own: who is wide ends above who
# is narrow, a newcomer is sent straight to where there is room, and nobody who is
# moved for it misses a packet.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import time

import netlab
from netlab import Failure
from trees import Tree

AUTO = ["--add-policy=auto"]
SETTLE_SECONDS = 1


def expect_level(peer, level):
    peer.wait_stats(f"level {level}", lambda stats: stats["level"] == level)


def check_all(tree):
    time.sleep(SETTLE_SECONDS)
    tree.check_identical()
    tree.check_complete()


def the_wide_end_above_the_narrow():
    with netlab.Lab() as lab:
        tree = Tree(lab, 1, arguments=AUTO)
        (narrow,) = tree.grow(1, arguments=AUTO)
        (leaf,) = tree.grow(0, arguments=AUTO)
        (wide,) = tree.grow(4, arguments=AUTO)
        expect_level(wide, 1)
        expect_level(narrow, 2)
        # With its child, who noticed nothing but the level.
        expect_level(leaf, 3)
        if leaf.stats()["switches"] != 0:
            raise Failure(f"the leaf has moved: {leaf.stats()}")
        check_all(tree)


def newcomers_are_sent_straight_to_room():
    """Nine who come at once are at the lowest level that the widths allow."""
    with netlab.Lab() as lab:
        tree = Tree(lab, 1, arguments=AUTO)
        tree.grow(3, arguments=AUTO)
        # One by one: a slot that was given away counts as taken for a second.
        for _ in range(3):
            tree.grow(3, arguments=AUTO)
        tree.grow(*[0] * 9, arguments=AUTO)
        levels = sorted(tree.levels())
        if levels != [1] + [2] * 3 + [3] * 9:
            raise Failure(f"levels are {levels}")
        check_all(tree)


if __name__ == "__main__":
    netlab.main([the_wide_end_above_the_narrow,
                 newcomers_are_sent_straight_to_room])
