#!/usr/bin/env python3
# Decodes a stream until SIGTERM and writes down every break in it:
#
#   continuity_player.py URI RESULT.json LATENCY_MS
#
# A break is a step between the presentation times of two decoded buffers that
# is not the length of the first, or a buffer marked as one after a
# discontinuity or as corrupted. Decoders hide what is missing; the steps do not.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import signal
import sys
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

TOLERANCE = {"video": 0.5, "audio": 1.0}  # of a buffer's length
LATENESS_MAX = 5 * Gst.MSECOND  # a video sink's


class Stream:
    def __init__(self, kind):
        self.kind = kind
        self.result = {"buffers": 0, "breaks": [],
                       "corrupted": 0, "late": 0}
        self.expected = None

    def finish(self):
        """Buffers that came too late to be shown count too."""
        stats = self.sink.get_property("stats")
        self.result["late"] = stats.get_uint64("dropped").value
        return self.result

    def on_buffer(self, _pad, info):
        buffer = info.get_buffer()
        result = self.result
        result["buffers"] += 1
        if self.expected is not None:
            off = buffer.pts - self.expected
            marked = buffer.has_flags(Gst.BufferFlags.DISCONT)
            if marked or abs(off) > TOLERANCE[self.kind] * buffer.duration:
                result["breaks"].append({"at": time.monotonic(),
                                         "ms": off / Gst.MSECOND,
                                         "marked": marked})
        if buffer.has_flags(Gst.BufferFlags.CORRUPTED):
            result["corrupted"] += 1
        self.expected = buffer.pts + buffer.duration
        return Gst.PadProbeReturn.OK


def main():
    uri, result_path, latency = sys.argv[1:]
    Gst.init(None)
    pipeline = Gst.Pipeline()
    source = Gst.ElementFactory.make("spreaditsrc", "source")
    source.set_property("uri", uri)
    source.set_property("relay", False)
    source.set_property("latency", int(latency))
    pipeline.add(source)
    loop = GLib.MainLoop()
    streams, error = {}, []

    def on_decoded(_decoder, pad):
        kind = pad.get_current_caps().get_structure(0).get_name()[:5]
        stream = streams[kind] = Stream(kind)
        sink = Gst.ElementFactory.make("fakesink")
        sink.set_property("sync", True)
        sink.set_property("qos", True)
        # Later than this is not shown: what no decoder would notice.
        sink.set_property("max-lateness", LATENESS_MAX)
        pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))
        stream.sink = sink
        sink.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER,
                                              stream.on_buffer)

    # One decodebin for each stream: spreaditsrc has several pads.
    def on_pad(_source, pad):
        one = Gst.ElementFactory.make("decodebin")
        pipeline.add(one)
        one.connect("pad-added", on_decoded)
        one.sync_state_with_parent()
        pad.link(one.get_static_pad("sink"))

    def on_error(_bus, message):
        what, debug = message.parse_error()
        error.append(f"{what.message} ({debug})")
        loop.quit()

    source.connect("pad-added", on_pad)
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", on_error)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    stats = source.get_property("stats")
    result = {"error": error[0] if error else None,
              "streams": {kind: stream.finish()
                          for kind, stream in streams.items()},
              "level": stats.get_uint("level").value,
              "switches": stats.get_uint("switches").value,
              "packets-lost": stats.get_uint64("packets-lost").value}
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(result, file)
    pipeline.set_state(Gst.State.NULL)
    sys.exit(1 if error else 0)


main()
