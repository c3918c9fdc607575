#!/usr/bin/env python3
# Unmodified players, ffmpeg and rtspsrc, over UDP and over TCP: they play from
# the source, are sent on to a peer when it is full, and end well when the node
# that feeds them leaves.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import shutil
import signal

import netlab

PLAY_SECONDS = 30  # for three seconds of stream
END_SECONDS = 15


def require_players():
    for player in ("ffmpeg", "gst-launch-1.0"):
        if not shutil.which(player):
            netlab.skip(f"no {player}")


def plain_environment():
    """What the players have on a machine without SpreadIt."""
    environment = dict(os.environ)
    for name in ("GST_PLUGIN_PATH", "LD_LIBRARY_PATH", "LD_PRELOAD"):
        environment.pop(name, None)
    environment["GST_REGISTRY"] = os.environ.get(
        "SPREADIT_PLAIN_REGISTRY", "plain-registry.bin")
    return environment


def ffmpeg(node, uri, transport, seconds=None):
    """Its output is a line for each decoded frame."""
    limit = ["-t", str(seconds)] if seconds else []
    return node.spawn("ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport",
                      transport, "-i", uri, *limit, "-f", "framemd5", "-",
                      name=f"ffmpeg-{transport}-{next(node.lab.counter)}",
                      env=plain_environment())


def rtspsrc(node, uri, transport, buffers=None):
    """Video and audio, decoded; `buffers` of each, or until the end."""
    limit = [f"num-buffers={buffers}"] if buffers else []
    streams = [word for media in ("video", "audio")
               for word in ("rtsp.", "!", f"application/x-rtp,media={media}",
                            "!", "decodebin", "!", "fakesink", *limit)]
    return node.spawn("gst-launch-1.0", "-q", "rtspsrc", "name=rtsp",
                      f"location={uri}", f"protocols={transport}",
                      "latency=200", *streams,
                      name=f"rtspsrc-{transport}-{next(node.lab.counter)}",
                      env=plain_environment())


def all_players(lab, uri, limited):
    players = []
    for transport in ("udp", "tcp"):
        players.append(ffmpeg(lab.add_node(), uri, transport,
                              3 if limited else None))
        players.append(rtspsrc(lab.add_node(), uri, transport,
                               75 if limited else None))
    return players


def check_played(player):
    status = player.wait(PLAY_SECONDS)
    output = player.output()
    if status:
        raise netlab.Failure(f"{player.name}: status {status}:\n{output}")
    if player.name.startswith("ffmpeg"):
        frames = [line for line in output.split("\n")
                  if line.startswith("0,")]
        print(f"  {player.name}: {len(frames)} frames decoded")
        if len(frames) < 50:
            raise netlab.Failure(f"{player.name} decoded {len(frames)} "
                                 f"frames:\n{output[-2000:]}")


def plain_children(relay):
    return [child for child in relay.stats().get("children", [])
            if child["plain-player"]]


def wait_players(relay, number):
    relay.wait_stats(f"{number} players",
                     lambda _stats: len(plain_children(relay)) >= number)


def plain_uri(relay):
    return f"rtsp://{relay.node.ipv4}:{netlab.PORT}/live"


def play_from_the_source():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=8")
        for player in all_players(lab, plain_uri(source), True):
            check_played(player)
        source.wait_stats("players gone",
                          lambda stats: not stats["children"])


def are_sent_on_by_a_full_source():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=1")
        peer = lab.relay(source.uri, "--max-children=8")
        players = all_players(lab, plain_uri(source), True)
        wait_players(peer, len(players))
        if plain_children(source):
            raise netlab.Failure("the source took more than its one child")
        for player in players:
            check_played(player)


def end_when_their_node_leaves():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=1")
        peer = lab.relay(source.uri, "--max-children=8")
        players = all_players(lab, plain_uri(peer), False)
        wait_players(peer, len(players))
        peer.wait_stats(
            "packets to everybody", lambda stats: all(
                child["sent-packets"] > 100 for child in stats["children"]))
        peer.signal(signal.SIGTERM)
        if status := peer.wait(END_SECONDS):
            raise netlab.Failure(f"status {status}:\n{peer.output()}")
        for player in players:
            if status := player.wait(END_SECONDS):
                raise netlab.Failure(f"{player.name}: status {status}:\n"
                                     f"{player.output()[-2000:]}")


require_players()
netlab.main([
    play_from_the_source, are_sent_on_by_a_full_source,
    end_when_their_node_leaves
])
