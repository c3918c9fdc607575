#!/usr/bin/env python3
# What a simulated audience costs by its size: 20 minutes with heart-beats, all
# within the first 10. Prints a table in Markdown.
#
#   size.py [--peers N,N,...] [--add POLICY] [--plot FILE.svg] [--sim PROGRAM]
#
# Memory is the peak of the process, less that of one with ten peers.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import json
import os
import subprocess
import time


def simulate(options, peers):
    """Events, seconds of CPU, peak KiB."""
    command = [options.sim, f"--peers={peers}", "--arrivals=flash:600s",
               f"--add-policy={options.add}", "--quiet", "--json=-"]
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command}: status {process.returncode}")
    return (json.loads(output)[0]["results"]["events"],
            usage.ru_utime + usage.ru_stime, time.monotonic() - began,
            usage.ru_maxrss)


def plot(rows, path):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(6, 4))
    peers = [row[0] for row in rows]
    axes.plot(peers, [1e6 * row[2] / row[1] for row in rows], "o-",
              label="CPU an event, µs")
    axes.plot(peers, [row[4] for row in rows], "s--", label="memory a peer, KiB")
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("peers")
    axes.grid(True, alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", default="1000,10000,88572,300000,1000000")
    parser.add_argument("--add", default="auto")
    parser.add_argument("--plot", metavar="FILE.svg")
    parser.add_argument("--sim", default=os.path.join(
        here, "..", "..", "build", "tools", "sim", "gst-spreadit-sim"))
    options = parser.parse_args()
    least = simulate(options, 10)[3]
    rows = []
    print("| peers | events | s | of CPU | µs of CPU an event | KiB a peer |\n"
          "|---|---|---|---|---|---|")
    for peers in map(int, options.peers.split(",")):
        events, cpu, wall, memory = simulate(options, peers)
        rows.append((peers, events, cpu, wall, (memory - least) / peers))
        print(f"| {peers:,} | {events:,} | {wall:.2f} | {cpu:.2f} | "
              f"{1e6 * cpu / events:.2f} | {rows[-1][4]:.2f} |", flush=True)
    if options.plot:
        plot(rows, options.plot)


main()
