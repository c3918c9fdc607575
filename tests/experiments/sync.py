#!/usr/bin/env python3
# Do sound and picture still belong together at the end of a chain, how long
# does a newcomer there wait for a picture, and is that picture whole? Prints
# JSON: a summary, and every play.
#
#   meson devenv -C build ../tests/experiments/sync.py [--codec h264|vp8]
#       [--level 5] [--plays 3] [--seconds 20] [--save FILE.png]
#
# A clip in which a white flash and a beep coincide once a second is published
# and relayed from peer to peer; playbin3 is the last of them, on that level.
# The same clip played from its file is the baseline: what encoders, demuxers
# and this program add. Offsets are beep less flash; "shown" is when the sinks
# let them go by the clock, "stamped" what their timestamps say.
#
# The first picture is compared with the same one decoded from the file
# ("identical"), and with the one that was encoded ("psnr-db").
#
# Every node has a network namespace, or, without the rights for that or with
# --loopback, a port of 127.0.0.1. Takes ffmpeg and Python's GStreamer bindings.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import contextlib
import ctypes
import hashlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "netlab"))
import netlab  # noqa: E402
from figures import percentile, python_with_gstreamer  # noqa: E402

WIDTH, HEIGHT, RATE = 320, 240, 25
FRAME_BYTES = WIDTH * HEIGHT * 3 // 2
TARGET_MS = 40
FLASH_FRAMES = (12, 13)  # of each second; not the key frame, which has 0
START_SECONDS = 40  # a player may take so long, besides what it plays
CLIP_SPARE_SECONDS = 20  # while the chain grows
ENCODE_SECONDS = 300
PICTURE = (f"testsrc2=s={WIDTH}x{HEIGHT}:r={RATE},"
           "drawbox=w=iw:h=ih/4:color=white:t=fill:enable="
           f"'between(mod(n\\,{RATE})\\,{FLASH_FRAMES[0]}\\,"
           f"{FLASH_FRAMES[1]})'")
SOUND = ("aevalsrc='if(between(mod(t,1),"
         f"{FLASH_FRAMES[0] / RATE},{(FLASH_FRAMES[1] + 1) / RATE}),"
         "0.5*sin(2*PI*1000*t),0)':s=48000")
CODECS = {
    "h264": ("mp4", ["-c:v", "libx264", "-preset", "veryfast", "-profile:v",
                     "main", "-bf", "0", "-sc_threshold", "0", "-c:a", "aac"]),
    # More threads make libvpx slower at this size.
    "vp8": ("webm", ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used",
                     "8", "-threads", "1", "-lag-in-frames", "0", "-c:a",
                     "libopus"]),
}


def die_with_parent():
    """In the child: also when we are killed."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def ffmpeg_output(*arguments):
    """A pipe; Failure in the end unless all went well. It does not outlive
    us, nor ENCODE_SECONDS."""
    process = subprocess.Popen(
        ["timeout", "-k", "1", str(ENCODE_SECONDS), "ffmpeg", "-nostdin", "-v",
         "error", *arguments], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, preexec_fn=die_with_parent)
    try:
        yield process.stdout
        if process.wait():
            raise netlab.Failure(f"ffmpeg: status {process.returncode}")
    finally:
        process.terminate()  # and timeout passes it on
        process.stdout.close()
        process.wait()


def ffmpeg(*arguments):
    with ffmpeg_output(*arguments) as output:
        return output.read()


def make_clip(codec, seconds, directory):
    suffix, encoders = CODECS[codec]
    path = os.path.join(directory, f"clip.{suffix}")
    ffmpeg("-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", SOUND, "-t",
           str(seconds), "-pix_fmt", "yuv420p", "-g", str(RATE), "-b:v",
           "800k", "-b:a", "96k", *encoders, path)
    return path


# --- The first picture -------------------------------------------------------


def thumbnail(frame):
    return frame[:WIDTH * HEIGHT:1009]  # luma, all over the picture


def difference(one, other):
    return sum(abs(a - b) for a, b in zip(one, other))


class Pictures:
    """Every frame of the clip as it decodes from the file: a hash, and enough
    to find the frame that a damaged one was meant to be."""

    def __init__(self, clip):
        self.hashes, self.thumbnails = [], []
        with ffmpeg_output("-i", clip, "-f", "rawvideo", "-pix_fmt", "yuv420p",
                           "-") as frames:
            while len(frame := frames.read(FRAME_BYTES)) == FRAME_BYTES:
                self.hashes.append(hashlib.sha1(frame).digest())
                self.thumbnails.append(thumbnail(frame))
        if not self.hashes:
            raise netlab.Failure(f"{clip} does not decode")

    def compare(self, frame):
        if len(frame) != FRAME_BYTES:
            raise netlab.Failure(f"the first picture has {len(frame)} bytes")
        small = thumbnail(frame)
        number = min(range(len(self.hashes)),
                     key=lambda n: difference(self.thumbnails[n], small))
        encoded = ffmpeg("-f", "lavfi", "-i", PICTURE, "-vf",
                         f"select=eq(n\\,{number})", "-frames:v", "1", "-f",
                         "rawvideo", "-pix_fmt", "yuv420p", "-")
        square = sum((a - b)**2 for a, b in zip(frame, encoded)) / FRAME_BYTES
        digest = hashlib.sha1(frame).digest()
        return {
            "frame": number,
            "identical": digest == self.hashes[number],
            "psnr-db": round(10 * math.log10(255**2 / square), 1)
                       if square else None,
            "mean-difference": round(
                difference(frame, encoded) / FRAME_BYTES, 2),
        }


def save_picture(frame_path, png):
    ffmpeg("-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s",
           f"{WIDTH}x{HEIGHT}", "-i", frame_path, "-frames:v", "1", png)


# --- Sound and picture -------------------------------------------------------


def offsets(played, which):
    """Of each flash that has a beep within half a second."""
    result = []
    for flash in played["flashes"]:
        beep = min(played["beeps"], default=None,
                   key=lambda one: abs(one[which] - flash[which]))
        if beep and abs(beep[which] - flash[which]) < 500:
            result.append(round(beep[which] - flash[which], 2))
    return result


def figures(values):
    """p50 keeps its sign: negative, the sound comes first."""
    if not values:
        return {"pairs": 0}
    return {"pairs": len(values), "p50": percentile(values, 50),
            "max": max(map(abs, values))}


def play(node, uri, seconds, pictures, save=None):
    base = os.path.join(node.lab.directory, f"play-{next(node.lab.counter)}")
    result_path, frame_path = base + ".json", base + ".yuv"
    player = node.spawn(python_with_gstreamer(),
                        os.path.join(HERE, "sync_player.py"), uri, result_path,
                        frame_path, str(seconds))
    status = player.wait(seconds + START_SECONDS)
    if not os.path.exists(result_path):
        raise netlab.Failure(f"{uri}: status {status}:\n{player.output()}")
    with open(result_path, encoding="utf-8") as file:
        played = json.load(file)
    if played["error"]:
        raise netlab.Failure(f"{uri}: {played['error']}")
    with open(frame_path, "rb") as file:
        played["first-picture"] = pictures.compare(file.read())
    if save:
        save_picture(frame_path, save)
    played["shown-offset-ms"] = offsets(played, 0)
    played["stamped-offset-ms"] = offsets(played, 1)
    for name in ("first-decoded-ms", "first-shown-ms"):
        played[name] = round(played[name])
    for name in ("flashes", "beeps"):
        played[name] = len(played[name])
    return played


def summary(plays):
    every = {name: [value for one in plays for value in one[name]]
             for name in ("shown-offset-ms", "stamped-offset-ms")}
    result = {name: figures(values) for name, values in every.items()}
    result["first-pair-ms"] = [one["shown-offset-ms"][:1] for one in plays]
    for name in ("first-decoded-ms", "first-shown-ms"):
        values = [one[name] for one in plays]
        result[name] = {"p50": percentile(values, 50), "max": max(values)}
    pictures = [one["first-picture"] for one in plays]
    result["first-picture-identical"] = (
        f"{sum(one['identical'] for one in pictures)} of {len(pictures)}")
    result["first-picture-psnr-db-min"] = min(
        (one["psnr-db"] for one in pictures if one["psnr-db"] is not None),
        default=None)
    result["packets-lost"] = sum(one.get("packets-lost", 0) for one in plays)
    result["within-target"] = (
        bool(every["shown-offset-ms"]) and
        result["shown-offset-ms"]["max"] < TARGET_MS)
    return result


# --- The chain ---------------------------------------------------------------


def grow_chain(lab, clip, level):
    """A source and a relay on each level above the player's, each with room
    for one child. The URI is the source's: who joins is sent down the chain.
    """
    source = lab.publish(clip, "--loop", "--max-children=1")
    for number in range(1, level):
        relay = lab.relay(source.uri, "--max-children=1")
        relay.wait_stats(f"level {number}",
                         lambda stats, n=number: stats["level"] == n)
    return source


def measure(options, lab):
    seconds = options.plays * (options.seconds + 5) + CLIP_SPARE_SECONDS
    clip = make_clip(options.codec, seconds, lab.directory)
    pictures = Pictures(clip)
    node = lab.add_node()
    print("baseline", file=sys.stderr)
    baseline = play(node, f"file://{clip}", options.seconds, pictures)
    source = grow_chain(lab, clip, options.level)
    plays = []
    for number in range(options.plays):
        print(f"play {number + 1} of {options.plays}", file=sys.stderr)
        plays.append(play(node, source.uri, options.seconds, pictures,
                          options.save))
        if plays[-1]["level"] != options.level:
            raise netlab.Failure(f"played on level {plays[-1]['level']}")
    return baseline, plays


def main():
    parser = argparse.ArgumentParser(
        description="Lip sync and the first picture at the end of a chain.")
    parser.add_argument("--codec", default="h264", choices=sorted(CODECS),
                        help="H.264 with AAC, or VP8 with Opus")
    parser.add_argument("--level", type=int, default=5,
                        help="of the player; the source is level 0")
    parser.add_argument("--plays", type=int, default=3,
                        help="one after the other, on the same chain")
    parser.add_argument("--seconds", type=float, default=20,
                        help="of each play")
    parser.add_argument("--save", metavar="FILE.png",
                        help="the first picture of the last play")
    parser.add_argument("--delay", type=float, default=0, metavar="MS",
                        help="one way, on every link (needs root)")
    parser.add_argument("--loopback", action="store_true",
                        help="no network namespaces")
    options = parser.parse_args()
    if not shutil.which("ffmpeg"):
        netlab.skip("no ffmpeg")
    if not options.loopback and (reason := netlab.why_no_rights()):
        print(f"{reason}; --loopback", file=sys.stderr)
        options.loopback = True
    if options.delay and options.loopback:
        parser.error("--delay needs network namespaces")
    try:
        with netlab.Lab(delay=bool(options.delay),
                        loopback=options.loopback) as lab:
            if options.delay:
                lab.prepare(options.level + 1, options.delay)
            baseline, plays = measure(options, lab)
    except netlab.Failure as failure:
        sys.exit(f"sync.py: {failure}")
    print(json.dumps({
        "codec": options.codec, "level": options.level,
        "delay-ms": options.delay, "loopback": options.loopback,
        "baseline": summary([baseline]), "summary": summary(plays),
        "each": plays
    }, indent=1))


main()
