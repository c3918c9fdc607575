#!/usr/bin/env python3
# What is published to the gateway by RTSP, with ffmpeg and rtspclientsink, is
# watched on another node; a publisher that is stopped and started, killed or
# frozen keeps the audience.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gatewaylab  # noqa: E402
import netlab  # noqa: E402
from gatewaylab import Frames, Gateway, describe, ffmpeg  # noqa: E402

END_SECONDS = 60
PATH = "cam"


def send(node, clip, gateway, transport="tcp"):
    """ffmpeg -re, a copy of the clip."""
    return node.spawn("ffmpeg", "-nostdin", "-v", "error", "-re", "-i", clip,
                      "-c", "copy", "-rtsp_transport", transport, "-f", "rtsp",
                      f"{gateway.uri}/{PATH}",
                      env=netlab.plain_environment())


def open_gateway(lab):
    node = lab.add_node()
    return Gateway(node, f"--gateway-publish={PATH}", "--max-children=4")


def stream_uri(gateway):
    return f"spreadit://{gateway.node.ipv4}:8554/{PATH}"


def await_source(gateway):
    gateway.wait_state("source")


def third_node_watches(transport):
    with netlab.Lab() as lab:
        clip = gatewaylab.make_clip(lab.directory)
        frames = Frames(clip)
        gateway = open_gateway(lab)
        sender = send(gateway.node, clip, gateway, transport)
        await_source(gateway)
        relay = lab.relay(stream_uri(gateway))
        viewer_node = lab.add_node()
        viewer = ffmpeg(viewer_node,
                        f"rtsp://{relay.node.ipv4}:8554/{PATH}", "tcp", 8)
        # The path that it was published to sends players on.
        here = ffmpeg(gateway.node, f"{gateway.uri}/{PATH}", "tcp", 5)
        for player, least in ((viewer, 175), (here, 100)):
            if player.process.wait(END_SECONDS):
                raise netlab.Failure(player.process.output()[-2000:])
            frames.check(player.name, player.hashes(), least)
        sender.kill()


def over_tcp():
    third_node_watches("tcp")


def over_udp():
    third_node_watches("udp")


def lose(sender, how):
    if how == "stop":
        sender.signal(signal.SIGINT)  # TEARDOWN
    elif how == "kill":
        sender.kill()
    else:
        sender.signal(signal.SIGSTOP)


def audience_stays():
    with netlab.Lab() as lab:
        clip = gatewaylab.make_clip(lab.directory, 60)
        frames = Frames(clip)
        gateway = open_gateway(lab)
        sender = send(gateway.node, clip, gateway)
        await_source(gateway)
        relay = lab.relay(stream_uri(gateway))
        viewer = ffmpeg(lab.add_node(),
                        f"rtsp://{relay.node.ipv4}:8554/{PATH}", "tcp", 600)
        netlab.wait_for("it plays", lambda: viewer.frames() > 25)
        for how in ("stop", "kill", "freeze"):
            lose(sender, how)
            time.sleep(2.5)  # longer than any peer puts up with silence
            sender = send(gateway.node, clip, gateway)
            before = viewer.frames()
            netlab.wait_for(f"it plays on after {how}:\n{sender.output()}",
                            lambda before=before:
                            viewer.frames() > before + 50)
        stats = relay.fresh_stats()
        hashes = viewer.hashes()
        numbers = [frames.number.get(value) for value in hashes]
        begins = [at for at in range(1, len(numbers)) if numbers[at] == 0]
        broken = numbers.count(None)
        print(f"  {len(hashes)} frames, {broken} broken, begun again at "
              f"{begins}; switches {stats['switches']}, lost "
              f"{stats['packets-lost']}, transient "
              f"{stats['transience-ms']['max']} ms")
        # The first frame of each publisher, and none that is not the clip's.
        if len(begins) != 3 or broken:
            raise netlab.Failure(f"{numbers}")
        # Nobody has lost anything: the source has never been away.
        if stats["packets-lost"] or stats["switches"]:
            raise netlab.Failure(f"{stats}")


def second_publisher_and_other_formats_are_told_so():
    with netlab.Lab() as lab:
        clip = gatewaylab.make_clip(lab.directory)
        gateway = open_gateway(lab)
        status = describe(gateway.node, f"{gateway.uri}/{PATH}")
        if status != "RTSP/1.0 404 Nothing has been published here yet":
            raise netlab.Failure(status)
        sender = send(gateway.node, clip, gateway)
        await_source(gateway)
        second = send(gateway.node, clip, gateway)
        second.wait(END_SECONDS)
        if "403 Somebody else is publishing this" not in second.output():
            raise netlab.Failure(second.output())
        sender.kill()
        netlab.wait_for("the first is gone",
                        lambda: "publisher has gone" in gateway.output(), 10)
        other = gateway.node.spawn(
            "ffmpeg", "-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i",
            "testsrc", "-c:v", "libvpx", "-deadline", "realtime", "-f", "rtsp",
            f"{gateway.uri}/{PATH}", env=netlab.plain_environment())
        other.wait(END_SECONDS)
        if "415 video/VP8 does not fit the stream" not in other.output():
            raise netlab.Failure(other.output())
        gateway.signal(signal.SIGTERM)
        if gateway.wait(15):
            raise netlab.Failure(gateway.output())


def rtspclientsink_publishes():
    if netlab.run("gst-inspect-1.0", "rtspclientsink", check=False).returncode:
        print("  left out: no rtspclientsink")
        return
    with netlab.Lab() as lab:
        clip = gatewaylab.make_clip(lab.directory)
        frames = Frames(clip)
        gateway = open_gateway(lab)
        sender = gateway.node.spawn(
            "gst-launch-1.0", "-q", "filesrc", f"location={clip}", "!",
            "qtdemux", "!", "h264parse", "!", "rtspclientsink",
            "protocols=tcp", f"location={gateway.uri}/{PATH}",
            env=netlab.plain_environment())
        await_source(gateway)
        viewer = ffmpeg(lab.add_node(),
                        f"rtsp://{gateway.node.ipv4}:8554/{PATH}", "tcp", 5)
        if viewer.process.wait(END_SECONDS):
            raise netlab.Failure(viewer.process.output()[-2000:])
        frames.check(viewer.name, viewer.hashes(), 100)
        sender.kill()


gatewaylab.require_tools()
netlab.main([
    over_tcp, over_udp, audience_stays,
    second_publisher_and_other_formats_are_told_so, rtspclientsink_publishes
])
