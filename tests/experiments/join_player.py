#!/usr/bin/env python3
# Joins a stream as an application would and writes down how long what took:
#
#   join_player.py URI RESULT.json
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import sys
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

PATIENCE_SECONDS = 30


def main():
    uri, result_path = sys.argv[1:]
    Gst.init(None)
    result = {"error": None, "first-out-ms": None, "decoded-ms": None}
    pipeline = Gst.parse_launch(
        f"spreaditsrc name=source max-children=0 uri={uri} ! decodebin ! "
        "video/x-raw ! fakesink name=sink sync=false")
    source = pipeline.get_by_name("source")
    loop = GLib.MainLoop()
    began = time.monotonic()

    def note(name, then=None):
        def on_buffer(_pad, _info):
            result[name] = (time.monotonic() - began) * 1e3
            if then:
                then()
            return Gst.PadProbeReturn.REMOVE

        return on_buffer

    source.connect("pad-added", lambda _source, pad: pad.add_probe(
        Gst.PadProbeType.BUFFER, note("first-out-ms")))
    pipeline.get_by_name("sink").get_static_pad("sink").add_probe(
        Gst.PadProbeType.BUFFER, note("decoded-ms", loop.quit))

    def on_error(_bus, message):
        error, debug = message.parse_error()
        result["error"] = f"{error.message} ({debug})"
        loop.quit()

    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", on_error)
    GLib.timeout_add_seconds(PATIENCE_SECONDS, loop.quit)
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    stats = source.get_property("stats")
    if stats:
        result["level"] = stats.get_uint("level").value
        for name in ("discover-ms", "first-packet-ms"):
            ok, value = stats.get_double(name)
            result[name] = value if ok else None
    pipeline.set_state(Gst.State.NULL)
    if result["decoded-ms"] is None and not result["error"]:
        result["error"] = f"no picture after {PATIENCE_SECONDS} s"
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(result, file)
    sys.exit(1 if result["error"] else 0)


main()
