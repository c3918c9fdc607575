#!/usr/bin/env python3
# A camera that is published with --publish=rtsp:// goes away, dead or frozen, and
# comes back; the audience stays.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gatewaylab  # noqa: E402
import netlab  # noqa: E402


def a_camera_comes_back():
    with netlab.Lab() as lab:
        where = lab.add_node()
        camera = lab.publish("test", "--max-children=4", node=where)
        url = f"rtsp://{where.ipv4}:8554/live"
        source = lab.publish(url, "--max-children=2")
        relay = lab.relay(source.uri)
        viewer = gatewaylab.ffmpeg(
            lab.add_node(), f"rtsp://{relay.node.ipv4}:8554/live", "tcp", 600)
        netlab.wait_for("it plays", lambda: viewer.frames() > 25)
        losses = 0
        for how in ("kill", "freeze"):
            if how == "kill":
                camera.kill()
            else:
                camera.signal(signal.SIGSTOP)
            losses += 1
            netlab.wait_for(f"it is missed after {how}:\n{source.output()}",
                            lambda: source.output().count("is away") == losses,
                            20)
            if how == "kill":
                camera = lab.publish("test", "--max-children=4", node=where)
            else:
                camera.signal(signal.SIGCONT)
            before = viewer.frames()
            netlab.wait_for(f"it plays on after {how}:\n{source.output()}",
                            lambda before=before:
                            viewer.frames() > before + 50)
        stats = relay.fresh_stats()
        print(f"  {viewer.frames()} frames, switches {stats['switches']}, "
              f"lost {stats['packets-lost']}")
        if stats["switches"] or stats["packets-lost"]:
            raise netlab.Failure(f"{stats}")


def one_that_was_never_there_is_an_error():
    with netlab.Lab() as lab:
        node = lab.add_node()
        relay = node.spawn(lab.relay_command, "--publish=rtsp://127.0.0.1:1/x",
                           "spreadit://127.0.0.1:8554/live")
        if relay.wait(20) != 1 or "Failed to connect" not in relay.output():
            raise netlab.Failure(relay.output())


gatewaylab.require_tools()
netlab.main([a_camera_comes_back, one_that_was_never_there_is_an_error])
