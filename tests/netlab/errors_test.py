#!/usr/bin/env python3
# What goes wrong in a network: one clear line, status 1, within a stated time.
# What needs no network is in tests/relay/cli_test.py.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import time

import netlab

# A search ends after its tries: a connect takes 3 s at most, an answer too.
GIVE_UP_SECONDS = 30


def check_fails(relay, expected):
    began = time.monotonic()
    status = relay.wait(GIVE_UP_SECONDS)
    lines = [line for line in relay.output().split("\n")
             if line.startswith("gst-spreadit-relay: ")]
    print(f"  {time.monotonic() - began:.1f} s: {lines}")
    if status != 1 or len(lines) != 1 or expected not in lines[0]:
        raise netlab.Failure(f"status {status}, not {expected!r}:\n" +
                             relay.output())


def host_is_not_there():
    with netlab.Lab() as lab:
        check_fails(lab.relay(f"spreadit://10.77.9.9:{netlab.PORT}/live",
                              wait=False), "nobody answers at 10.77.9.9")


def host_swallows_everything():
    with netlab.Lab() as lab:
        source = lab.publish("test")
        lab.cut(source.node)
        check_fails(lab.relay(source.uri, wait=False),
                    f"nobody answers at {source.node.ipv4}")


def source_is_cut_off_for_good():
    """Everyone below gives up in the end, and says so."""
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=1")
        peers = [lab.relay(source.uri, "--max-children=1", "--max-tries=3")
                 for _ in range(2)]
        lab.cut(source.node)
        for peer in peers:
            check_fails(peer, source.node.ipv4)


def nobody_has_room():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=1")
        lab.relay(source.uri, "--max-children=0")
        # Neither of them can feed the other: a wider one would get the place.
        check_fails(lab.relay(source.uri, "--max-tries=5", "--max-children=0",
                              wait=False),
                    "no peer has room for another child after 5 tries")


netlab.main([
    host_is_not_there, host_swallows_everything, source_is_cut_off_for_good,
    nobody_has_room
])
