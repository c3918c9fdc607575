#!/usr/bin/env python3
# Is the simulator right? The same audience, who come, leave and crash at the same
# instants, in network namespaces and in gst-spreadit-sim. Prints JSON.
#
#   meson devenv -C build ../tests/experiments/reality.py [--peers 50]
#       [--scenarios 5] [--rtt MS] [--access MS] [--add-policy POLICY]
#       [--delete-policy POLICY] [--seed N]
#
# Peers come one after the other within a minute, 0.6 s apart at least: a process
# takes that long to start here. A third of them goes later, half of these killed.
# They take two children each, the source three. Any two are --rtt apart and the
# delay of their access links, which are drawn from 0 to --access one way, all
# different: who of several orphans comes first to whom they all ask is then no
# matter of chance. A scenario is drawn from its seed. Needs root (network namespaces).
#
# Figures: time to discover parent (subscribe to accept) and to the first packet of
# all peers, transience time of those who lost theirs, how many are at which level
# in the end.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netlab"))
import netlab  # noqa: E402
from figures import percentile  # noqa: E402

SOURCE_CHILDREN = 3
PEER_CHILDREN = 2
APART_SECONDS = 0.6
JOINING_SECONDS = 60
END_SECONDS = 100
# Those who go do so when all have come, with time for the tree to heal between.
FIRST_GOES = 66
FRAME_RATE = 15
CLIP = ("videotestsrc is-live=true pattern=ball ! video/x-raw,width=240,height=180,"
        f"framerate={FRAME_RATE}/1 ! x264enc tune=zerolatency speed-preset=ultrafast "
        "bitrate=150 key-int-max=30")


def draw(seed, peers, access_ms):
    """[join, leave, crash, one-way delay of the access link], by who comes first."""
    rng = random.Random(seed)
    spare = JOINING_SECONDS - peers * APART_SECONDS
    offsets = sorted(rng.uniform(0, spare) for _ in range(peers))
    rows = [[round(1 + offset + i * APART_SECONDS, 3), 1e6, 0]
            for i, offset in enumerate(offsets)]
    going = rng.sample(range(peers), peers // 3)
    for row, place in zip(rows, rng.sample(range(peers), peers)):
        row.append(round(access_ms * place / peers, 3))
    gap = (END_SECONDS - 8 - FIRST_GOES) / len(going)
    for i, peer in enumerate(going):
        rows[peer][1] = round(FIRST_GOES + i * gap + rng.uniform(0, gap / 2), 3)
        rows[peer][2] = i % 2
    return rows


def summary(values):
    if not values:
        return {"count": 0}
    return {"count": len(values), "mean": round(sum(values) / len(values), 2),
            "p50": round(percentile(values, 50), 2),
            "p95": round(percentile(values, 95), 2)}


def live(rows, options):
    with netlab.Lab(delay=True) as lab:
        lab.prepare(len(rows) + 1, options.rtt / 2)
        nodes = list(lab.unused)
        # The source comes first, and has no access link.
        access = dict(zip(nodes, [0] + [row[3] for row in rows]))
        for a, b in itertools.combinations(nodes, 2):
            lab.switch.set_delay(a, b, options.rtt / 2 + access[a] + access[b])
        policies = [f"--add-policy={options.add_policy}",
                    f"--delete-policy={options.delete_policy}"]
        source = lab.publish(CLIP, f"--max-children={SOURCE_CHILDREN}", *policies)
        nodes = [lab.add_node() for _ in rows]
        plan = [(join, "join", i) for i, (join, *_) in enumerate(rows)]
        plan += [(leave, "crash" if crash else "leave", i)
                 for i, (_, leave, crash, _) in enumerate(rows)
                 if leave < END_SECONDS]
        relays = {}
        began = time.monotonic()
        for when, what, i in sorted(plan):
            time.sleep(max(0.0, began + when - time.monotonic()))
            if what == "join":
                relays[i] = lab.relay(
                    source.uri, f"--max-children={PEER_CHILDREN}", *policies,
                    node=nodes[i], wait=False)
            else:
                relays[i].signal(signal.SIGKILL if what == "crash" else
                                 signal.SIGTERM)
        time.sleep(max(0.0, began + END_SECONDS - time.monotonic()))
        levels, transiences = {}, []
        discover, first_packet = [], []
        for i, relay in relays.items():
            lines = relay.all_stats()
            if not lines:
                raise netlab.Failure(f"no stats of {relay.name}")
            last = lines[-1]
            discover.append(last["discover-ms"])
            first_packet.append(last["first-packet-ms"])
            counted = 0
            for line in lines:
                known = line["transience-ms"]
                # Two within a second show as one: they are apart in the plan.
                if known["total"] > counted:
                    counted = known["total"]
                    transiences.append(known["last"])
            if rows[i][1] >= END_SECONDS:
                level = last["level"]
                levels[level] = levels.get(level, 0) + 1
        return {"discover-ms": summary(discover),
                "first-packet-ms": summary(first_packet),
                "transience-ms": summary(transiences),
                "levels": [levels.get(i, 0)
                           for i in range(1, max(levels) + 1)]}


def simulated(rows, options):
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as trace:
        trace.write("join_s,leave_s,crash,access_ms\n")
        for row in rows:
            trace.write(",".join(str(value) for value in row) + "\n")
        trace.flush()
        done = subprocess.run(
            ["gst-spreadit-sim", f"--trace={trace.name}",
             f"--duration={END_SECONDS}s", f"--rtt=constant:{options.rtt}ms",
             "--access=fixed:0", "--jitter=0ms",
             f"--source-children={SOURCE_CHILDREN}",
             f"--children=fixed:{PEER_CHILDREN}",
             f"--add-policy={options.add_policy}",
             f"--delete-policy={options.delete_policy}", "--stream-rate=180k",
             f"--frame-rate={FRAME_RATE}",
             "--quiet", "--json=-"],
            stdout=subprocess.PIPE, text=True, check=True)
    figures = json.loads(done.stdout)[0]["results"]
    found = {f"{name}-ms": {key: figures[f"{name}-{key}-ms"]
                            for key in ("mean", "p50", "p95")}
             for name in ("discover", "first-packet", "transience")}
    found["transience-ms"]["count"] = figures["transiences"]
    return {**found,
            "levels": figures["peers-at-level"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=int, default=50)
    parser.add_argument("--scenarios", type=int, default=5)
    parser.add_argument("--rtt", type=float, default=5, metavar="MS")
    parser.add_argument("--access", type=float, default=50, metavar="MS")
    parser.add_argument("--add-policy", default="round-robin")
    parser.add_argument("--delete-policy", default="grandfather")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    netlab.require_rights()
    scenarios = []
    for seed in range(options.seed, options.seed + options.scenarios):
        rows = draw(seed, options.peers, options.access)
        scenarios.append({"seed": seed, "live": live(rows, options),
                          "simulated": simulated(rows, options)})
        print(json.dumps(scenarios[-1]), file=sys.stderr)
    print(json.dumps({"peers": options.peers, "rtt-ms": options.rtt,
                      "access-ms": options.access,
                      "add-policy": options.add_policy,
                      "delete-policy": options.delete_policy,
                      "scenarios": scenarios}, indent=1))


main()
