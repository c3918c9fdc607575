# A gateway in a node of the lab, and players whose every frame is looked at.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import re
import shutil
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "netlab"))
import netlab  # noqa: E402

PORT = 8555
CLIP_SECONDS = 20
FRAME_RATE = 25


def require_tools():
    for tool in ("ffmpeg", "gst-launch-1.0"):
        if not shutil.which(tool):
            netlab.skip(f"no {tool}")
    if netlab.run("ffmpeg", "-v", "error", "-encoders").stdout.find(
            "libx264") < 0:
        netlab.skip("ffmpeg has no libx264")


class Gateway(netlab.Relay):
    """gst-spreadit-relay that has no stream of its own."""

    def __init__(self, node, *arguments):
        name = f"gateway{node.number}-{next(node.lab.counter)}"
        self.stats_path = os.path.join(node.lab.directory, name + ".stats")
        open(self.stats_path, "wb").close()
        self.uri = f"rtsp://127.0.0.1:{PORT}"
        netlab.Process.__init__(self, node, [
            node.lab.relay_command, f"--stats={self.stats_path}",
            f"--gateway=127.0.0.1:{PORT}", *arguments
        ], name)
        netlab.wait_for(f"{name} listens:\n{self.output()}",
                        lambda: "the gateway" in self.output(), 10)

    def url_of(self, uri):
        """Where players find a spreadit:// URI."""
        return self.uri + "/" + uri.split("://", 1)[1]


def make_clip(directory, seconds=CLIP_SECONDS):
    """Pictures of which no two are the same, and a tone."""
    path = os.path.join(directory, "clip.mp4")
    netlab.run("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
               f"testsrc2=size=320x180:rate={FRAME_RATE}", "-f", "lavfi", "-i",
               "sine=frequency=440:sample_rate=48000", "-t", str(seconds),
               "-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g",
               str(FRAME_RATE), "-b:v", "500k", "-c:a", "aac", path)
    return path


class Frames:
    """The clip's frames by what decoding makes of them."""

    def __init__(self, clip):
        self.number = {}
        decoded = netlab.run("ffmpeg", "-v", "error", "-i", clip, "-an",
                             "-f", "framemd5", "-").stdout
        hashes = self.in_ffmpeg(decoded)
        for number, value in enumerate(hashes):
            self.number[value] = number
        self.count = len(hashes)
        # What ffplay can say of a frame.
        told = netlab.run("ffmpeg", "-v", "info", "-i", clip, "-an", "-vf",
                          "showinfo", "-f", "null", "-").stdout
        for number, value in enumerate(self.in_showinfo(told)):
            self.number[value] = number
        if len(self.number) != 2 * self.count:
            raise netlab.Failure("the clip has frames that look alike")

    @staticmethod
    def in_ffmpeg(output):
        return [line.rsplit(",", 1)[1].strip() for line in output.split("\n")
                if line.startswith("0,") and line.count(",") == 5]

    @staticmethod
    def in_checksumsink(output):
        # gst-play has its position on the same line, and goes back.
        return re.findall(r"(?:^|\r|\s)[0-9]+:[0-9:.]+ ([0-9a-f]{32})$", output,
                          re.M)

    @staticmethod
    def in_showinfo(output):
        return re.findall(r" plane_checksum:\[([0-9A-F ]+)\]", output)

    def check(self, name, hashes, at_least):
        """Each frame is the clip's, whole, and follows the one before."""
        numbers = [self.number.get(value) for value in hashes]
        # Who comes when others play begins in the middle of a group of
        # pictures; decoders of GStreamer show what they make of that.
        late = next((at for at, number in enumerate(numbers)
                     if number is not None), 0)
        if late < FRAME_RATE:
            numbers = numbers[late:]
        broken = [at for at, number in enumerate(numbers) if number is None]
        gaps = [(at, numbers[at - 1], numbers[at])
                for at in range(1, len(numbers))
                if None not in (numbers[at - 1], numbers[at]) and
                numbers[at] != (numbers[at - 1] + 1) % self.count]
        print(f"  {name}: {len(hashes)} frames, {len(broken)} broken, "
              f"{len(gaps)} gaps", flush=True)
        if len(hashes) < at_least or broken or gaps:
            raise netlab.Failure(
                f"{name}: {len(hashes)} frames of at least {at_least}; broken "
                f"at {broken[:5]}; gaps (at, from, to): {gaps[:5]}")


class Player:
    def __init__(self, name, process, hashes):
        self.name = name
        self.process = process
        self._hashes = hashes

    def hashes(self):
        return self._hashes(self.process.output())

    def frames(self):
        return len(self.hashes())


def ffmpeg(node, url, transport, seconds):
    process = node.spawn(
        "ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", transport,
        "-i", url, "-an", "-t", str(seconds), "-vsync", "passthrough",
        "-flush_packets", "1", "-f", "framemd5", "-",
        name=f"ffmpeg-{transport}-{next(node.lab.counter)}",
        env=netlab.plain_environment())
    return Player(f"ffmpeg {transport}", process, Frames.in_ffmpeg)


def rtspsrc(node, url, scheme, seconds):
    """`scheme` says how: rtspu, rtspt, rtsph."""
    process = node.spawn(
        netlab.rtsp_player(), "--latency=1000",
        "--checksums", f"--buffers={seconds * FRAME_RATE + 1}",
        scheme + url[len("rtsp"):],
        name=f"{scheme}-{next(node.lab.counter)}", env=netlab.plain_environment())
    return Player(scheme, process, Frames.in_checksumsink)


def gst_play(node, url, scheme, _seconds):
    """To be interrupted."""
    process = node.spawn(
        "gst-play-1.0", "--no-interactive",
        "--videosink=videoconvert ! video/x-raw,format=I420 ! "
        "checksumsink hash=md5 sync=true", "--audiosink=fakesink sync=true",
        scheme + url[len("rtsp"):],
        name=f"gst-play-{scheme}-{next(node.lab.counter)}",
        env=netlab.plain_environment())
    return Player(f"gst-play {scheme}", process, Frames.in_checksumsink)


def ffplay(node, url, transport, _seconds):
    """To be interrupted."""
    environment = netlab.plain_environment()
    environment["SDL_VIDEODRIVER"] = environment["SDL_AUDIODRIVER"] = "dummy"
    process = node.spawn(
        "ffplay", "-v", "info", "-nostats", "-noframedrop", "-autoexit",
        "-rtsp_transport", transport, "-vf", "showinfo", url,
        name=f"ffplay-{transport}-{next(node.lab.counter)}", env=environment)
    return Player(f"ffplay {transport}", process, Frames.in_showinfo)


def mpv(node, url, transport, seconds):
    process = node.spawn(
        "mpv", "--no-config", "--vo=null", "--ao=null",
        f"--rtsp-transport={transport}", f"--frames={seconds * FRAME_RATE}",
        "--term-status-msg=AT ${=time-pos} DROPPED ${decoder-frame-drop-count}",
        url, name=f"mpv-{transport}-{next(node.lab.counter)}",
        env=netlab.plain_environment())
    return process


def chain(lab, length, publish):
    """source -> relay -> ... -> relay, each with room for one. Returns the
    source and the relays from the top."""
    # A gateway can feed more than these, and is to come last all the same.
    narrow = ["--max-children=1", "--add-policy=round-robin"]
    source = lab.publish(publish, "--loop", *narrow)
    relays = []
    for level in range(1, length + 1):
        relay = lab.relay(source.uri, *narrow)
        relay.wait_stats(f"level {level}",
                         lambda stats, level=level: stats["level"] == level)
        relays.append(relay)
    return source, relays


def ask(node, text, port=PORT, seconds=20):
    """What is answered to a text, sent to a gateway of the node; empty when
    nothing is."""
    link = node.socket(
        lambda: socket.create_connection(("127.0.0.1", port), seconds))
    with link:
        link.sendall(text.encode())
        try:
            return link.recv(65536).decode(errors="replace")
        except (TimeoutError, ConnectionError):
            return ""


def describe(node, url, port=PORT):
    """The status line of a DESCRIBE."""
    answer = ask(node, f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n"
                 "Accept: application/sdp\r\n\r\n", port)
    return answer.split("\r\n", 1)[0]


