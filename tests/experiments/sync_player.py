#!/usr/bin/env python3
# Plays a URI with playbin3 as any application would, both sinks on the
# pipeline's clock, and writes down when flashes were shown and beeps heard:
#
#   sync_player.py URI RESULT.json FRAME.yuv SECONDS
#
# FRAME.yuv is the first picture (I420). sync.py makes the clip that has the
# flashes, starts this, and compares.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import array
import json
import sys
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

FIRST_FRAME_SECONDS = 30
BAND = 4  # the flash fills the upper 1/BAND of the picture
WHITE = 200  # mean luma of the band; without a flash it is about half
LOUD = 8000  # a beep has 16000; what an encoder smears before it has less
RATE = 48000
BEEP_SECONDS = 0.2  # longer than a beep, shorter than the pause

VIDEO = ("videoconvert ! video/x-raw,format=I420 ! "
         "appsink name=video emit-signals=true sync=true")
AUDIO = ("audioconvert ! audioresample ! "
         f"audio/x-raw,format=S16LE,rate={RATE},channels=1 ! "
         "appsink name=audio emit-signals=true sync=true")


class Player:

    def __init__(self, uri, frame_path):
        self.frame_path = frame_path
        self.result = {"flashes": [], "beeps": [], "frames": 0, "error": None,
                       "first-decoded-ms": None, "first-shown-ms": None}
        self.was_white = False
        self.last_loud = None
        self.loop = GLib.MainLoop()
        self.source = None
        self.playbin = Gst.ElementFactory.make("playbin3")
        self.playbin.set_property("uri", uri)
        self.playbin.connect("source-setup", self.on_source)
        for name, text, action in (("video", VIDEO, self.on_picture),
                                   ("audio", AUDIO, self.on_sound)):
            sink = Gst.parse_bin_from_description(text, True)
            sink.get_by_name(name).connect("new-sample", self.on_sample,
                                           action)
            self.playbin.set_property(f"{name}-sink", sink)
            if name == "video":
                sink.get_static_pad("sink").add_probe(
                    Gst.PadProbeType.BUFFER, self.on_decoded)
        bus = self.playbin.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)
        bus.connect("message::eos", lambda *_: self.loop.quit())

    def on_source(self, _playbin, source):
        self.source = source

    def on_error(self, _bus, message):
        error, debug = message.parse_error()
        self.result["error"] = f"{error.message} ({debug})"
        self.loop.quit()

    def since_start_ms(self):
        return (time.monotonic() - self.began) * 1e3

    def on_decoded(self, _pad, _info):
        self.result["first-decoded-ms"] = self.since_start_ms()
        return Gst.PadProbeReturn.REMOVE

    # Two times of each sample, in running time: when the sink let it go by
    # the clock, and when its timestamp says (without the latency).
    def on_sample(self, sink, action):
        now = (self.playbin.get_clock().get_time() -
               self.playbin.get_base_time())
        sample = sink.emit("pull-sample")
        buffer = sample.get_buffer()
        stamp = sample.get_segment().to_running_time(Gst.Format.TIME,
                                                     buffer.pts)
        ok, mapped = buffer.map(Gst.MapFlags.READ)
        if ok:
            action(sample, mapped.data,
                   now / Gst.MSECOND, stamp / Gst.MSECOND)
            buffer.unmap(mapped)
        return Gst.FlowReturn.OK

    def on_picture(self, sample, data, now, stamp):
        caps = sample.get_caps().get_structure(0)
        width = caps.get_int("width").value
        height = caps.get_int("height").value
        if not self.result["frames"]:
            self.result["first-shown-ms"] = self.since_start_ms()
            self.result["width"], self.result["height"] = width, height
            with open(self.frame_path, "wb") as frame:
                frame.write(data)
        self.result["frames"] += 1
        band = bytes(data[:width * (height // BAND)])[::61]
        is_white = sum(band) > WHITE * len(band)
        if is_white and not self.was_white:
            self.result["flashes"].append([now, stamp])
        self.was_white = is_white

    def on_sound(self, _sample, data, now, stamp):
        samples = array.array("h", bytes(data))
        if not samples or max(samples) < LOUD:
            return
        at = next(number for number, value in enumerate(samples)
                  if value >= LOUD) * 1e3 / RATE
        if (self.last_loud is None or
                stamp + at > self.last_loud + BEEP_SECONDS * 1e3):
            self.result["beeps"].append([now + at, stamp + at])
        self.last_loud = stamp + at

    def has_started(self):
        if self.result["first-shown-ms"] is None:
            self.result["error"] = (f"no picture after {FIRST_FRAME_SECONDS} "
                                    "s")
            self.loop.quit()
        return GLib.SOURCE_REMOVE

    def stats(self):
        """Of the peer that playbin3 has made of us; none for a file."""
        if (not self.source or
                not self.source.find_property("stats")):
            return
        stats = self.source.get_property("stats")
        self.result["level"] = stats.get_uint("level").value
        self.result["packets-lost"] = stats.get_uint64("packets-lost").value

    def play(self, seconds):
        GLib.timeout_add_seconds(FIRST_FRAME_SECONDS, self.has_started)
        GLib.timeout_add(int(seconds * 1e3), self.loop.quit)
        self.began = time.monotonic()
        self.playbin.set_state(Gst.State.PLAYING)
        self.loop.run()
        self.stats()
        self.playbin.set_state(Gst.State.NULL)
        return self.result


def main():
    uri, result_path, frame_path, seconds = sys.argv[1:]
    Gst.init(None)
    result = Player(uri, frame_path).play(float(seconds))
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(result, file)
    sys.exit(1 if result["error"] else 0)


main()
