#!/usr/bin/env python3
# An inner peer with descendants at two levels leaves: nobody below misses a
# packet, and the leaver ends with status 0.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import signal
import time

import netlab
from trees import two_below_a_victim, wait_all_receive

LEAVE_SECONDS = 10


def check():
    with netlab.Lab() as lab:
        tree, leaver = two_below_a_victim(lab)
        others = [peer for peer in tree.peers if peer is not leaver]
        lost_before = {peer: peer.stats()["packets-lost"] for peer in others}
        began = time.monotonic()
        leaver.signal(signal.SIGTERM)
        status = leaver.wait(LEAVE_SECONDS)
        print(f"  left within {time.monotonic() - began:.2f} s")
        if status:
            raise netlab.Failure(f"status {status}:\n{leaver.output()}")
        wait_all_receive(others, leaver)
        tree.check_identical(others)
        tree.check_complete(others)
        for peer in others:
            stats = peer.fresh_stats()
            if stats["packets-lost"] != lost_before[peer]:
                raise netlab.Failure(f"{peer.name} lost packets: {stats}")


def leave_1():
    check()


def leave_2():
    check()


def leave_3():
    check()


def source_leaves():
    """The stream is over: everyone ends, and well."""
    with netlab.Lab() as lab:
        tree, _victim = two_below_a_victim(lab)
        tree.source.signal(signal.SIGTERM)
        for program in [tree.source, *tree.peers]:
            if status := program.wait(LEAVE_SECONDS):
                raise netlab.Failure(
                    f"{program.name}: status {status}:\n{program.output()}")


netlab.main([leave_1, leave_2, leave_3, source_leaves])
