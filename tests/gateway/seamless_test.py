#!/usr/bin/env python3
# Players at the gateway do not notice that its node's parents die: ffmpeg and
# rtspsrc, over UDP, TCP and HTTP, all at once. Every frame is compared with the
# clip's.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gatewaylab  # noqa: E402
import netlab  # noqa: E402
from gatewaylab import ffmpeg, rtspsrc  # noqa: E402

KILLS = 2
SECONDS = 12
END_SECONDS = 40


def no_frame_is_missing():
    with netlab.Lab() as lab:
        clip = gatewaylab.make_clip(lab.directory)
        frames = gatewaylab.Frames(clip)
        source, relays = gatewaylab.chain(lab, KILLS + 1, clip)
        node = lab.add_node()
        gateway = gatewaylab.Gateway(node)
        url = gateway.url_of(source.uri)
        players = [ffmpeg(node, url, "udp", SECONDS),
                   ffmpeg(node, url, "tcp", SECONDS)]
        players += [rtspsrc(node, url, scheme, SECONDS)
                    for scheme in ("rtspu", "rtspt", "rtsph")]
        for player in players:
            netlab.wait_for(f"{player.name} plays:\n{player.process.output()}",
                            lambda player=player: player.frames() > 10)
        level = KILLS + 2
        gateway.wait_stats(f"level {level}",
                           lambda stats: stats["level"] == level)
        for victim in reversed(relays[1:]):
            victim.kill()
            level -= 1
            gateway.wait_stats(
                f"level {level}", lambda stats, level=level:
                stats["level"] == level and stats["state"] == "receiving")
            time.sleep(2)  # a player that stumbles does so now
        for player in players:
            status = player.process.wait(END_SECONDS)
            if status:
                raise netlab.Failure(f"{player.name}: status {status}\n"
                                     f"{player.process.output()[-2000:]}")
            frames.check(player.name, player.hashes(),
                         (SECONDS - 1) * gatewaylab.FRAME_RATE)
        gateway.signal(signal.SIGTERM)
        if status := gateway.wait(15):
            raise netlab.Failure(f"status {status}: {gateway.output()}")


gatewaylab.require_tools()
netlab.main([no_frame_is_missing])
