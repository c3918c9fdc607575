#!/usr/bin/env python3
# Which policy for which audience: all pairs of policies on the same
# audiences, by gst-spreadit-sim. Prints a table in Markdown: means over the
# seeds with 95 % confidence intervals, best first.
#
#   policies.py [--peers N] [--seeds N] [--add POLICY,...] [--matrix FILE]
#               [--delete POLICY,...] [--trace FILE] [--sort FIGURE]
#               [--keep FILE.csv] [--patience SECONDS] [--sim PROGRAM]
#               [-- OPTION...]
#
# Visitors come in 20 minutes as Poisson, stay as viewers of a live peer-to-peer
# service did (Weibull, shape 0.509, scale 1161 s), and 42 % of them take no
# child, as there. What follows -- goes to the simulator as it is. With --keep the
# rows of each pair are added to a file as they come, and pairs that are in it are
# not run again: a large table takes hours. A pair that takes longer than
# --patience is ended and left out, which is said.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import csv
import math
import os
import subprocess
import sys
import time

# Simultaneous children that were seen, and an uplink for each number of them:
# capacity is floor (0.9 x uplink / rate).
CHILDREN = {0: 42.0, 1: 26.2, 2: 9.7, 3: 5.8, 4: 4.3, 5: 3.6, 6: 3.0, 7: 2.4,
            8: 1.6, 9: 0.9, 10: 0.4}
RATE = 1_000_000

ADD = ["random", "round-robin", "smart-placement", "knock-downs",
       "smart-bandwidth", "auto"]
DELETE = ["grandfather", "root", "grandfather-all", "root-all"]

# Heading, figure, format.
COLUMNS = [
    ("first packet p95, ms", "first-packet-p95-ms", "{:.0f}"),
    ("tries", "tries-mean", "{:.2f}"),
    ("transience p95, ms", "transience-p95-ms", "{:.0f}"),
    ("missed, ppm", "loss-transience", "{:.0f}"),
    ("delay p95, ms", "delay-p95-ms", "{:.0f}"),
    ("level", "level-mean", "{:.2f}"),
    ("height", "height", "{:.1f}"),
    ("moves", "moves", "{:.0f}"),
    ("source, requests/s max", "source-requests-max-per-s", "{:.0f}"),
    ("refused, %", "refused-share", "{:.2f}"),
]
SCALE = {"loss-transience": 1e6, "refused-share": 100}
# Student's t at 97.5 %, by degrees of freedom.
T = [0, 12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
     2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086]


def uplink_law():
    values = {0: 0.3}
    for children in range(1, 11):
        values[children] = (children + 0.1) / 0.9
    return "table:" + ",".join(
        f"{round(values[children] * RATE)}={weight}"
        for children, weight in CHILDREN.items())


def interval(values):
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, 0
    variance = sum((value - mean)**2 for value in values) / (len(values) - 1)
    t = T[len(values) - 1] if len(values) <= len(T) else 1.96
    return mean, t * math.sqrt(variance / len(values))


def command(options, add, delete):
    args = [
        options.sim, f"--seeds={options.seeds}", "--add-policy=" + add,
        "--delete-policy=" + delete,
        "--duration=20min", "--uplink=" + uplink_law(), "--children=uplink",
        f"--stream-rate={RATE}", "--quiet", "--csv=-"
    ]
    if options.trace:
        args.append("--trace=" + options.trace)
    else:
        args += [f"--peers={options.peers}", "--stay=weibull:0.509,1161",
                 f"--arrivals=poisson:{options.peers / 1200:.6g}"]
    if options.matrix:
        args.append("--rtt=matrix:" + options.matrix)
    return args + options.rest


def rows_of(text):
    return list(csv.DictReader(text.splitlines()))


def kept(options):
    """What a former run has left."""
    if not options.keep or not os.path.exists(options.keep):
        return []
    with open(options.keep, encoding="utf-8") as file:
        return rows_of(file.read())


def keep(options, rows):
    if not options.keep:
        return
    is_new = not os.path.exists(options.keep)
    with open(options.keep, "a", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


def run_all(options):
    rows = kept(options)
    done = {(row["add-policy"], row["delete-policy"]) for row in rows}
    adds = ADD if options.add == "all" else options.add.split(",")
    deletes = DELETE if options.delete == "all" else options.delete.split(",")
    for add in adds:
        for delete in deletes:
            if (add, delete) in done:
                continue
            args = command(options, add, delete)
            print(" ".join(["gst-spreadit-sim"] + args[1:]), file=sys.stderr)
            began = time.monotonic()
            try:
                output = subprocess.run(
                    args, stdout=subprocess.PIPE, text=True, check=True,
                    timeout=options.patience).stdout
            except subprocess.TimeoutExpired:
                print(f"{add}, {delete}: not done after {options.patience:g} s",
                      file=sys.stderr)
                continue
            print(f"{add}, {delete}: {time.monotonic() - began:.1f} s",
                  file=sys.stderr)
            rows += rows_of(output)
            keep(options, rows_of(output))
    return rows


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--matrix", help="round-trip times, ms")
    parser.add_argument("--trace", help="CSV with join_s and leave_s")
    parser.add_argument("--add", default="all", help="add policies")
    parser.add_argument("--delete", default="all", help="delete policies")
    parser.add_argument("--sort", default="first-packet-p95-ms")
    parser.add_argument("--keep", metavar="FILE.csv")
    parser.add_argument("--patience", type=float, metavar="SECONDS")
    parser.add_argument("--sim", default=os.path.join(
        here, "..", "..", "build", "tools", "sim", "gst-spreadit-sim"))
    parser.add_argument("rest", nargs="*", help="for the simulator")
    options = parser.parse_args()

    pairs = {}
    for row in run_all(options):
        pair = (row["add-policy"], row["delete-policy"])
        for _, figure, _ in COLUMNS:
            pairs.setdefault(pair, {}).setdefault(figure, []).append(
                float(row[figure]) * SCALE.get(figure, 1))

    print("| add | delete | " + " | ".join(head for head, _, _ in COLUMNS) +
          " |")
    print("|---|---|" + "---|" * len(COLUMNS))
    for (add, delete), figures in sorted(
            pairs.items(), key=lambda item: interval(item[1][options.sort])):
        cells = []
        for _, figure, form in COLUMNS:
            mean, half = interval(figures[figure])
            cells.append(form.format(mean) + " ± " + form.format(half))
        print(f"| {add} | {delete} | " + " | ".join(cells) + " |")


main()
