#!/usr/bin/env python3
# An inner peer with descendants at two levels is killed, frozen, or cut off:
# everyone below receives again. tests/experiments/failover.py does the same as
# often as you like and reports the times.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import signal

import netlab
from trees import two_below_a_victim, wait_all_receive


def check(lose):
    """`lose` makes the victim vanish."""
    with netlab.Lab() as lab:
        tree, victim = two_below_a_victim(lab)
        lose(lab, victim)
        survivors = [peer for peer in tree.peers if peer is not victim]
        wait_all_receive(survivors, victim)
        tree.check_identical(survivors)
        for peer in survivors:
            stats = peer.fresh_stats()
            print(f"  level {stats['level']}, {stats['switches']} moves, "
                  f"transience {stats['transience-ms']['last']:.0f} ms, "
                  f"{stats['packets-lost']} packets lost")


def kill(_lab, victim):
    victim.kill()


def kill_1():
    check(kill)


def kill_2():
    check(kill)


def kill_3():
    check(kill)


def freeze():
    check(lambda lab, victim: victim.signal(signal.SIGSTOP))


def cut_the_link():
    check(lambda lab, victim: lab.cut(victim.node))


netlab.main([kill_1, kill_2, kill_3, freeze, cut_the_link])
