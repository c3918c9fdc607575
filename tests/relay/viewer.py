# A player without SpreadIt that looks on while senders come and go, and what it
# looks at. For the tests here; the one that imports this skips without PyGObject.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "common"))
from ports import HOST, free_port  # noqa: E402

# The player is one without SpreadIt, with a registry of its own.
RELAY_ENVIRONMENT = dict(os.environ)
os.environ.pop("GST_PLUGIN_PATH", None)
os.environ["GST_REGISTRY"] = os.environ.get("SPREADIT_PLAIN_REGISTRY",
                                            "plain-registry.bin")
try:
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import Gst
except (ImportError, ValueError) as error:
    print(f"SKIPPED: no Python bindings of GStreamer: {error}")
    sys.exit(77)

PATIENCE_SECONDS = 40
# The test picture's bars are brighter than that on the average, the slate is not.
DARK = 70


class Failure(Exception):
    pass


def wait_for(what, condition, details=lambda: "", seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"not in {seconds} s: {what}\n{details()}")
        time.sleep(0.02)


def is_served(url):
    """It has packets, and so an SDP."""
    port = int(url.split(":")[2].split("/")[0])
    try:
        with socket.create_connection((HOST, port), 5) as link:
            link.sendall(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n"
                         "Accept: application/sdp\r\n\r\n".encode())
            return link.recv(4096).startswith(b"RTSP/1.0 200")
    except OSError:
        return False


class Relay:
    def __init__(self, program, directory, name, *arguments):
        self.path = os.path.join(directory, name + ".log")
        with open(self.path, "ab") as output:
            self.process = subprocess.Popen(
                [program, *arguments], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=RELAY_ENVIRONMENT)

    def output(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def says(self, text, times=1):
        wait_for(f"{text} ({times})", lambda: self.output().count(text) >= times,
                 self.output)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Medium:
    """What RTP packets of one medium are like."""

    def __init__(self):
        self.ssrcs = set()
        self.packets = 0
        self.sequence = None
        self.time = None
        self.lost = 0
        self.backwards = []
        self.arrived = None
        self.gap = 0.0

    def take(self, packet):
        sequence = int.from_bytes(packet[2:4], "big")
        stamp = int.from_bytes(packet[4:8], "big")
        self.ssrcs.add(packet[8:12])
        if self.sequence is not None:
            self.lost += (sequence - self.sequence - 1) % 65536
            step = (stamp - self.time) % 2**32
            if step >= 2**31:
                self.backwards.append((self.packets, step - 2**32))
        self.sequence, self.time = sequence, stamp
        now = time.monotonic()
        if self.arrived is not None:
            self.gap = max(self.gap, now - self.arrived)
        self.arrived = now
        self.packets += 1

    def __str__(self):
        return (f"{self.packets} packets, {len(self.ssrcs)} SSRCs, {self.lost} "
                f"lost, back in time {self.backwards[:5]}, longest gap "
                f"{self.gap:.2f} s")


class Viewer:
    """rtspsrc, and what it makes of the stream."""

    def __init__(self, url, decoder):
        self.lock = threading.Lock()
        self.media = {}
        self.dark = self.bright = 0  # since the last reset()
        self.pictures = 0
        self.last_time = None
        self.backwards = 0
        self.error = ""
        self.pipeline = Gst.parse_launch(
            f"rtspsrc name=s location={url} protocols=tcp latency=100 "
            f"{decoder} ! videoconvert ! video/x-raw,format=GRAY8 ! "
            "fakesink name=end sync=false signal-handoffs=false")
        source = self.pipeline.get_by_name("s")
        source.connect("pad-added", self.on_pad)
        self.pipeline.get_by_name("end").get_static_pad("sink").add_probe(
            Gst.PadProbeType.BUFFER, self.on_picture)
        self.pipeline.set_state(Gst.State.PLAYING)

    def on_pad(self, _source, pad):
        caps = pad.get_current_caps() or pad.query_caps(None)
        kind = caps.get_structure(0).get_string("media")
        with self.lock:
            self.media[kind] = Medium()
        pad.add_probe(Gst.PadProbeType.BUFFER, self.on_packet, kind)
        if kind == "audio":
            sink = Gst.ElementFactory.make("fakesink", None)
            sink.set_property("async", False)
            self.pipeline.add(sink)
            sink.sync_state_with_parent()
            pad.link(sink.get_static_pad("sink"))
        else:
            pad.link(self.pipeline.get_by_name("depay").get_static_pad("sink"))

    def on_packet(self, _pad, info, kind):
        buffer = info.get_buffer()
        with self.lock:
            self.media[kind].take(buffer.extract_dup(0, 12))
        return Gst.PadProbeReturn.OK

    def on_picture(self, _pad, info):
        buffer = info.get_buffer()
        data = buffer.extract_dup(0, buffer.get_size())
        # Every 97th is enough to tell.
        light = sum(data[::97]) / len(data[::97])
        with self.lock:
            self.pictures += 1
            if light < DARK:
                self.dark += 1
            else:
                self.bright += 1
            if self.last_time is not None and buffer.pts < self.last_time:
                self.backwards += 1
            self.last_time = buffer.pts
        return Gst.PadProbeReturn.OK

    def reset(self):
        with self.lock:
            self.dark = self.bright = 0

    def check(self, gap_seconds_max):
        """One stream without a loss, however often its sender has changed."""
        message = self.pipeline.get_bus().pop_filtered(
            Gst.MessageType.ERROR | Gst.MessageType.EOS)
        if message:
            raise Failure(f"the player stops: {message.type} "
                          f"{message.get_structure().to_string()}")
        with self.lock:
            print(f"  {self.pictures} pictures", flush=True)
            if self.backwards:
                raise Failure(f"{self.backwards} pictures go back in time")
            for kind, medium in self.media.items():
                print(f"  {kind}: {medium}", flush=True)
                if (len(medium.ssrcs) != 1 or medium.lost or medium.backwards or
                        medium.gap > gap_seconds_max):
                    raise Failure(f"{kind}: {medium}")

    def stop(self):
        self.pipeline.set_state(Gst.State.NULL)
