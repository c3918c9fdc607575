#!/usr/bin/env python3
# Unmodified players, ffmpeg, rtspsrc and, where it is installed, mpv, over UDP
# and over TCP, H.264 and VP8: they play from the source, are sent on to a peer
# when it is full, and end well when the node that feeds them leaves. And
# GStreamer's own players at the end of a chain of five.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import re
import shutil
import signal

import netlab
import sanitizer

PLAY_SECONDS = 30  # for three seconds of stream
END_SECONDS = 15
LEVEL = 5
VP8_OPUS = ("videotestsrc is-live=true ! "
            "video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! "
            "queue ! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=25 "
            "audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! "
            "queue ! opusenc")


def require_players():
    for player in ("ffmpeg", "gst-play-1.0", "gst-discoverer-1.0"):
        if not shutil.which(player):
            netlab.skip(f"no {player}")


def ffmpeg(node, uri, transport, seconds=None):
    """Its output is a line for each decoded frame."""
    limit = ["-t", str(seconds)] if seconds else []
    return node.spawn("ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport",
                      transport, "-i", uri, *limit, "-f", "framemd5", "-",
                      name=f"ffmpeg-{transport}-{next(node.lab.counter)}",
                      env=netlab.plain_environment())


def rtspsrc(node, uri, transport, buffers=None):
    """Video and audio, decoded; `buffers` of each, or until the end. Its output
    says when there is something to see and to hear."""
    limit = [f"--buffers={buffers}"] if buffers else []
    return node.spawn(netlab.rtsp_player(),
                      f"--protocols={transport}", *limit, uri,
                      name=f"rtspsrc-{transport}-{next(node.lab.counter)}",
                      env=netlab.plain_environment())


def mpv(node, uri, transport):
    """Its output is lines AT with the seconds played, and complaints."""
    return node.spawn("mpv", "--no-config", "--vo=null", "--ao=null",
                      f"--rtsp-transport={transport}", "--frames=75",
                      "--term-status-msg=AT ${=time-pos}",
                      uri, name=f"mpv-{transport}-{next(node.lab.counter)}",
                      env=netlab.plain_environment())


def all_players(lab, uri, limited):
    players = []
    for transport in ("udp", "tcp"):
        if limited and shutil.which("mpv"):
            players.append(mpv(lab.add_node(), uri, transport))
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
    if player.name.startswith("mpv"):
        check_mpv(player.name, output)


def check_mpv(name, output):
    times = list(map(float, re.findall(r"AT ([0-9]+\.[0-9]+)", output)))
    played = times[-1] - times[0] if times else 0
    print(f"  {name}: {played:.1f} s played")
    if played < 2 or "AO: [null]" not in output or "VO: [null]" not in output:
        raise netlab.Failure(f"{name} played {played} s:\n{output[-2000:]}")
    # Of key frames that reach it as two pictures, so every second. Once, at the
    # beginning, is another matter: it joins in the middle of a picture, and the
    # first sender report moves what played before it.
    if len(re.findall(r"Invalid video timestamp: ([0-9.]+) -> \1$", output,
                      re.M)) > 1:
        raise netlab.Failure(f"{name}:\n{output[:2000]}")


def plain_children(relay):
    return [child for child in relay.stats().get("children", [])
            if child["plain-player"]]


def wait_each_served(relay, number):
    """They play for three seconds: on a busy machine not all at once."""
    served = set()

    def are_all_served(_stats):
        served.update(child["address"] for child in plain_children(relay))
        return len(served) >= number

    relay.wait_stats(f"{number} players", are_all_served)


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


def play_vp8_and_opus():
    with netlab.Lab() as lab:
        source = lab.publish(VP8_OPUS, "--max-children=1")
        peer = lab.relay(source.uri, "--max-children=8")
        for player in all_players(lab, plain_uri(peer), True):
            check_played(player)


def seconds_played(output):
    """The last position that gst-play-1.0 wrote."""
    positions = re.findall(r"([0-9]):([0-9]{2}):([0-9]{2})\.[0-9] /", output)
    if not positions:
        return 0
    hours, minutes, seconds = map(int, positions[-1])
    return hours * 3600 + minutes * 60 + seconds


def gst_play_and_discoverer(what):
    if why := sanitizer.why_not():
        print(f"  left out: {why}")
        return
    with netlab.Lab() as lab:
        source = lab.publish(what, "--max-children=1")
        for number in range(1, LEVEL):
            lab.relay(source.uri, "--max-children=1").wait_stats(
                f"level {number}",
                lambda stats, n=number: stats["level"] == n)
        node = lab.add_node()
        discoverer = node.spawn("gst-discoverer-1.0", "-v", source.uri,
                                env=sanitizer.environment())
        if (discoverer.wait(PLAY_SECONDS) or
                not re.search("^ *audio #", discoverer.output(), re.M) or
                not re.search("^ *video #", discoverer.output(), re.M)):
            raise netlab.Failure(discoverer.output())
        for playbin in ([], ["--use-playbin3"]):
            player = node.spawn("gst-play-1.0", "--no-interactive", *playbin,
                                "--videosink=fakesink sync=true",
                                "--audiosink=fakesink sync=true", source.uri,
                                env=sanitizer.environment())
            netlab.wait_for(
                "gst-play-1.0 plays",
                lambda player=player: not player.is_running() or
                seconds_played(player.output()) >= 4, PLAY_SECONDS)
            player.signal(signal.SIGINT)
            player.wait(END_SECONDS)
            if seconds_played(player.output()) < 4:
                raise netlab.Failure(player.output()[-2000:])


def gstreamer_plays_h264_at_level_5():
    gst_play_and_discoverer("test")


def gstreamer_plays_vp8_at_level_5():
    gst_play_and_discoverer(VP8_OPUS)


def are_sent_on_by_a_full_source():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=1")
        peer = lab.relay(source.uri, "--max-children=8")
        players = all_players(lab, plain_uri(source), True)
        wait_each_served(peer, len(players))
        if plain_children(source):
            raise netlab.Failure("the source took more than its one child")
        for player in players:
            check_played(player)


def is_playing(player):
    """Both media are decoded."""
    pattern = (r"^([01])," if player.name.startswith("ffmpeg") else
               r"^(audio|video) plays$")
    found = re.findall(pattern, player.output(), re.M)
    return len(set(found)) == 2


def end_when_their_node_leaves():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=1")
        peer = lab.relay(source.uri, "--max-children=8")
        players = all_players(lab, plain_uri(peer), False)
        wait_players(peer, len(players))
        for player in players:
            netlab.wait_for(f"{player.name} plays",
                            lambda player=player: is_playing(player),
                            PLAY_SECONDS)
        peer.signal(signal.SIGTERM)
        if status := peer.wait(END_SECONDS):
            raise netlab.Failure(f"status {status}:\n{peer.output()}")
        for player in players:
            if status := player.wait(END_SECONDS):
                raise netlab.Failure(f"{player.name}: status {status}:\n"
                                     f"{player.output()[-2000:]}")


require_players()
netlab.main([
    play_from_the_source, play_vp8_and_opus, are_sent_on_by_a_full_source,
    end_when_their_node_leaves, gstreamer_plays_h264_at_level_5,
    gstreamer_plays_vp8_at_level_5
])
