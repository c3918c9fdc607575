#!/usr/bin/env python3
# How long do descendants go without the stream when an inner peer goes, and
# what do they miss? Prints JSON: a summary, and every round.
#
#   meson devenv -C build ../tests/experiments/failover.py [--rounds 20]
#       [--how kill|freeze|cut|leave] [--spare] [--delay MS]
#       [--children N [--publish WHAT]]
#
# The tree is source -> victim -> two peers -> one peer each. By default the
# source has room for one child, so that nobody can be taken in before it has
# noticed that the victim is gone; with --spare it has room at once. With
# --delay every link has that one-way delay. With --children the victim has so
# many, with one child each, the source has room for them, and figures are the
# nodes' own statistics instead of captures; "cpu-busy" is how much of all cores
# was in use, in the second before, in half a second after the loss, and in the
# busiest tenth of a second of that, for it begins with silence: what it takes is
# then not the protocol's alone. Needs root (network namespaces).
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netlab"))
import netlab  # noqa: E402
from figures import lose, percentile  # noqa: E402
from capture import differing, missing  # noqa: E402
from trees import (crowd_below_a_victim, two_below_a_victim,  # noqa: E402
                   wait_all_receive)  # noqa: E402

SETTLE_SECONDS = 1
LOSS_STEPS = 5  # of a tenth of a second: it is about over


def longest_gap_ms(packets, since):
    """Between two packets received, from shortly before `since` on."""
    times = [packet.time for packet in packets if packet.time > since - 0.5]
    return max((later - earlier for earlier, later in zip(times, times[1:])),
               default=0) * 1e3


def cpu_times():
    """In use, and all there was, of all cores."""
    with open("/proc/stat", encoding="ascii") as file:
        times = [int(part) for part in file.readline().split()[1:]]
    return sum(times) - times[3] - times[4], sum(times)


def cpu_busy(before, after):
    return round((after[0] - before[0]) / (after[1] - before[1]), 2)


def crowd_round(options):
    with netlab.Lab(delay=bool(options.delay)) as lab:
        if options.delay:
            lab.prepare(2 * options.children + 2, options.delay)
        tree, victim = crowd_below_a_victim(lab, options.children,
                                            options.publish)
        survivors = [peer for peer in tree.peers if peer is not victim]
        lost = {peer: peer.stats()["packets-lost"] for peer in survivors}
        # Who looks on has to be still meanwhile: it is one of those who share
        # the cores.
        calm = cpu_times()
        time.sleep(SETTLE_SECONDS)
        steps = [cpu_times()]
        lose(options.how, lab, victim)
        for _ in range(LOSS_STEPS):
            time.sleep(0.1)
            steps.append(cpu_times())
        time.sleep(SETTLE_SECONDS)
        busy = {"before": cpu_busy(calm, steps[0]),
                "after": cpu_busy(steps[0], steps[-1]),
                "peak": max(map(cpu_busy, steps, steps[1:]))}
        print(f"cpu-busy {busy}", file=sys.stderr)
        wait_all_receive(survivors, victim)
        after = {peer: peer.fresh_stats() for peer in survivors}
        return [{
            "level": stats["level"],
            "switches": stats["switches"],
            "transience-ms": stats["transience-ms"]["last"],
            "missing": stats["packets-lost"] - lost[peer],
            "duplicates": stats["packets-duplicate"],
            "cpu-busy": busy,
        } for peer, stats in after.items()]


def one_round(options):
    with netlab.Lab(delay=bool(options.delay)) as lab:
        if options.delay:
            lab.prepare(6, options.delay)
        tree, victim = two_below_a_victim(lab, spare=options.spare)
        survivors = [peer for peer in tree.peers if peer is not victim]
        began = time.monotonic()
        lose(options.how, lab, victim)
        wait_all_receive(survivors, victim)
        time.sleep(SETTLE_SECONDS)
        received = {peer: tree.received(peer) for peer in survivors}
        time.sleep(0.3)
        sent = tree.source_capture.sent()
        return [{
            "level": peer.stats()["level"],
            "switches": peer.stats()["switches"],
            "transience-ms": peer.stats()["transience-ms"]["last"],
            "gap-ms": longest_gap_ms(got, began),
            "missing": sum(map(len, missing(got).values())),
            "differing": len(differing(sent, got)),
            "duplicates": peer.stats()["packets-duplicate"],
        } for peer, got in received.items()]


def summary(rounds):
    peers = [peer for one in rounds for peer in one]
    result = {"peers": len(peers),
              "missing": sum(peer["missing"] for peer in peers)}
    if "differing" in peers[0]:
        result["differing"] = sum(peer["differing"] for peer in peers)
    for name in ("transience-ms", "gap-ms"):
        values = [peer[name] for peer in peers if name in peer]
        if not values:
            continue
        result[name] = {"p50": percentile(values, 50),
                        "p95": percentile(values, 95), "max": max(values)}
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--how", default="kill",
                        choices=("kill", "freeze", "cut", "leave"))
    parser.add_argument("--spare", action="store_true")
    parser.add_argument("--delay", type=float, default=0, metavar="MS")
    parser.add_argument("--children", type=int, metavar="N")
    parser.add_argument("--publish", default="test", metavar="WHAT")
    options = parser.parse_args()
    netlab.require_rights()
    if options.delay and options.how == "cut":
        parser.error("--how cut is not for --delay")
    rounds, failed = [], []
    for number in range(options.rounds):
        try:
            play = crowd_round if options.children else one_round
            rounds.append(play(options))
        except netlab.Failure as failure:
            failed.append(str(failure))
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    print(json.dumps({
        "how": options.how, "spare": options.spare, "delay-ms": options.delay,
        "children": options.children,
        "rounds": options.rounds, "failed": failed,
        "summary": summary(rounds) if rounds else None, "each": rounds
    }, indent=1))
    sys.exit(1 if failed else 0)


main()
