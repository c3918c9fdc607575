#!/usr/bin/env python3
# PRM's setting (Banerjee et al., Resilient Multicast using Overlays, SIGMETRICS
# 2003), simulated: 10,000 peers, 1 to 5 % of the packets lost on every link, five
# changes of membership a second. How many packets are there in time? Prints a
# table in Markdown.
#
#   prm.py [--peers N] [--changes PER_SECOND] [--seeds N] [--add POLICY]
#          [--delete POLICY] [--sim PROGRAM]
#
# All come within two minutes; then somebody comes or goes, with even chances, for
# ten. A tenth of those who go do so unannounced, half of these without a reset.
# Four children each, generated distances, as many repairs as there is time for.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import json
import os
import random
import subprocess
import tempfile

COMING_SECONDS = 120
SETTLED_SECOND = 150
END_SECOND = 720
FOR_EVER = 1e6
LOSSES = (0.01, 0.03, 0.05)
DEADLINES_MS = (600, 1000)


def draw(options):
    rng = random.Random(options.seed)
    rows = [[rng.uniform(0, COMING_SECONDS), FOR_EVER]
            for _ in range(options.peers)]
    there = list(range(options.peers))
    second = SETTLED_SECOND
    while (second := second + rng.expovariate(options.changes)) < END_SECOND:
        if rng.random() < 0.5:
            there.append(len(rows))
            rows.append([second, FOR_EVER])
        else:
            chosen = rng.randrange(len(there))
            rows[there[chosen]][1] = second
            there[chosen] = there[-1]
            there.pop()
    return rows


def simulate(options, trace, loss, deadline):
    done = subprocess.run(
        [options.sim, f"--trace={trace}", f"--duration={END_SECOND}s",
         f"--loss={loss}", f"--deadline={deadline}ms", "--repairs=4",
         "--children=fixed:4", f"--add-policy={options.add}",
         f"--delete-policy={options.delete}", f"--seeds={options.seeds}",
         "--quiet", "--json=-"], stdout=subprocess.PIPE, text=True, check=True)
    runs = json.loads(done.stdout)
    return (lambda name: sum(run["results"][name] for run in runs) / len(runs),
            runs[0]["scenario"]["stream-bps"])


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=int, default=10000)
    parser.add_argument("--changes", type=float, default=5)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the audience")
    parser.add_argument("--add", default="auto")
    parser.add_argument("--delete", default="root")
    parser.add_argument("--sim", default=os.path.join(
        here, "..", "..", "build", "tools", "sim", "gst-spreadit-sim"))
    options = parser.parse_args()
    print("| loss a link | " + " | ".join(
        f"in time, {deadline} ms" for deadline in DEADLINES_MS) +
          " | lost in the end | missed by transience | delay p95, ms | "
          "sent again, beyond what was lost | feedback | control |\n|" +
          "---|" * 9)
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as trace:
        trace.write("join_s,leave_s\n")
        for join, leave in draw(options):
            trace.write(f"{join:.3f},{leave:.3f}\n")
        trace.flush()
        for loss in LOSSES:
            in_time = []
            for deadline in DEADLINES_MS:
                figure, rate = simulate(options, trace.name, loss, deadline)
                missed = figure("loss-transience")
                in_time.append(
                    f"{100 * figure('on-time') * (1 - missed):.3f} %")
            print(f"| {100 * loss:.0f} % | " + " | ".join(in_time) +
                  f" | {1e6 * figure('loss-links'):.1f} ppm"
                  f" | {1e6 * missed:.1f} ppm"
                  f" | {figure('delay-p95-ms'):.0f}"
                  f" | {100 * (figure('repair-overhead') - loss):.2f} %"
                  f" | {100 * figure('repair-feedback'):.2f} %"
                  f" | {100 * figure('control-bps-per-peer') / rate:.2f} % |")


main()
