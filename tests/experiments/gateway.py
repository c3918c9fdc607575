#!/usr/bin/env python3
# Do players at the gateway notice that its node's parents die? Prints JSON: per
# player, frames decoded, frames that are not the source's, and gaps.
#
#   meson devenv -C build ../tests/experiments/gateway.py [--kills 10]
#       [--every SECONDS]
#
# source -> relay -> ... -> relay -> gateway, and ffmpeg, ffplay, gst-play and
# rtspsrc there, over UDP, TCP and HTTP, all at once, mpv beside them where it is
# installed. The
# gateway's parent is killed again and again. Each frame is compared with the
# clip's. Needs root (network namespaces), ffmpeg.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import json
import os
import re
import shutil
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "gateway"))
import gatewaylab  # noqa: E402
import netlab  # noqa: E402

BEFORE_SECONDS = 3
AFTER_SECONDS = 4


def start_players(node, url, seconds):
    players = [gatewaylab.ffmpeg(node, url, transport, seconds)
               for transport in ("udp", "tcp")]
    players += [gatewaylab.rtspsrc(node, url, scheme, seconds)
                for scheme in ("rtspu", "rtspt", "rtsph")]
    viewers = [gatewaylab.gst_play(node, url, scheme, seconds)
               for scheme in ("rtspu", "rtspt")]
    viewers += [gatewaylab.ffplay(node, url, transport, seconds)
                for transport in ("udp", "tcp")]
    others = []
    if shutil.which("mpv"):
        others = [gatewaylab.mpv(node, url, transport, seconds)
                  for transport in ("udp", "tcp")]
    return players, viewers, others


def look_at(frames, player):
    hashes = player.hashes()
    numbers = [frames.number.get(value) for value in hashes]
    gaps = [[numbers[at - 1], numbers[at]] for at in range(1, len(numbers))
            if None not in (numbers[at - 1], numbers[at]) and
            numbers[at] != (numbers[at - 1] + 1) % frames.count]
    return {"frames": len(hashes), "broken": numbers.count(None),
            "gaps": gaps, "status": player.process.popen.poll()}


def look_at_mpv(process):
    output = process.output()
    times = [float(value) for value in re.findall(r"AT ([0-9.]+)", output)]
    steps = [round(b - a, 3) for a, b in zip(times, times[1:])]
    return {"seconds": round(times[-1] - times[0], 2) if times else 0,
            "largest-step-s": max(steps, default=0),
            "smallest-step-s": min(steps, default=0),
            "dropped": max(map(int, re.findall(r"DROPPED (\d+)", output)),
                           default=0),
            "status": process.popen.poll()}


def run(options):
    seconds = int(BEFORE_SECONDS + options.kills * options.every +
                  AFTER_SECONDS)
    with netlab.Lab() as lab:
        clip = gatewaylab.make_clip(lab.directory)
        frames = gatewaylab.Frames(clip)
        source, relays = gatewaylab.chain(lab, options.kills + 1, clip)
        node = lab.add_node()
        gateway = gatewaylab.Gateway(node)
        players, viewers, others = start_players(
            node, gateway.url_of(source.uri), seconds)
        for player in players + viewers:
            netlab.wait_for(f"{player.name} plays",
                            lambda player=player: player.frames() > 10)
        time.sleep(BEFORE_SECONDS)
        switches = []
        for victim in reversed(relays[1:]):
            before = gateway.stats()
            victim.kill()
            time.sleep(options.every)
            after = gateway.fresh_stats()
            switches.append({"level": after["level"],
                             "moved": after["parent-id"] !=
                             before["parent-id"],
                             "transience-ms": after["transience-ms"]["last"]})
        for process in [one.process for one in players] + others:
            process.wait(seconds + 60)
        for viewer in viewers:  # until somebody closes them
            viewer.process.signal(signal.SIGINT)
            viewer.process.wait(60)
        stats = gateway.stats()
        return {"kills": options.kills, "switches": switches,
                "packets-lost": stats.get("packets-lost"),
                "players": {player.name: look_at(frames, player)
                            for player in players + viewers},
                "mpv": {process.name: look_at_mpv(process)
                        for process in others}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--every", type=float, default=3, metavar="SECONDS")
    options = parser.parse_args()
    netlab.require_rights()
    gatewaylab.require_tools()
    print(json.dumps(run(options), indent=1))


main()
