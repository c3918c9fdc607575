#!/usr/bin/env python3
# gst-spreadit-relay --publish=rtsp://... --always-on: the camera dies or freezes
# and comes back, and a player that looks on sees the slate and then the camera
# again. Its pictures do not stop, and to it it is one stream all the time.
#
#   always_on_test.py RELAY
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import signal
import sys
import tempfile

from viewer import (HOST, Failure, Gst, Relay, Viewer, free_port, is_served,
                    wait_for)

RELAY = sys.argv[1]
# It is missed after 1.5 s; the rest is for a machine that has other things to do.
GAP_SECONDS_MAX = 3.0

H264 = "test"
VP8 = ("videotestsrc is-live=true pattern=smpte ! "
       "video/x-raw,width=320,height=240,framerate=25/1 ! "
       "vp8enc deadline=1 keyframe-max-dist=25 "
       "audiotestsrc is-live=true ! opusenc")
THEORA = ("videotestsrc is-live=true ! video/x-raw,width=320,height=240,"
          "framerate=25/1 ! theoraenc "
          "audiotestsrc is-live=true ! opusenc")


class Lab:
    def __init__(self, publish):
        self.directory = tempfile.TemporaryDirectory()
        self.publish = publish
        self.port = free_port()
        self.children = []
        self.camera = self.start_camera()
        wait_for("the camera is there", lambda: is_served(
            f"rtsp://{HOST}:{self.port}/camera"), self.camera.output)
        self.source_port = free_port()
        self.source = self.start(
            "source", f"--publish=rtsp://{HOST}:{self.port}/camera",
            "--always-on", f"spreadit://{HOST}:{self.source_port}/live")
        self.source.says("publishing")
        self.viewers = []

    def start(self, name, *arguments):
        relay = Relay(RELAY, self.directory.name, name, *arguments)
        self.children.append(relay)
        return relay

    def start_camera(self):
        camera = self.start(f"camera{len(self.children)}",
                            f"--publish={self.publish}",
                            f"spreadit://{HOST}:{self.port}/camera")
        camera.says("publishing")
        return camera

    def view(self, decoder):
        url = f"rtsp://{HOST}:{self.source_port}/live"
        wait_for("it is published", lambda: is_served(url), self.source.output)
        viewer = Viewer(url, decoder)
        self.viewers.append(viewer)
        return viewer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for viewer in self.viewers:
            viewer.stop()
        for child in self.children:
            child.kill()
        self.directory.cleanup()


def sees(lab, viewer, what, number=30):
    viewer.reset()
    wait_for(f"{number} {what} pictures",
             lambda: getattr(viewer, what) >= number,
             lambda: f"{vars(viewer)}\n{lab.source.output()}")


def goes_and_comes(publish, decoder, ways):
    with Lab(publish) as lab:
        viewer = lab.view(decoder)
        sees(lab, viewer, "bright")
        for times, (how, pictures) in enumerate(ways, 1):
            if how == "kill":
                lab.camera.kill()
            else:
                lab.camera.process.send_signal(signal.SIGSTOP)
            sees(lab, viewer, "dark", 1)
            lab.source.says("the slate is shown", times)
            # For as long as it takes.
            sees(lab, viewer, "dark", pictures)
            if viewer.bright:
                raise Failure("the camera's picture, in the slate")
            if how == "kill":
                lab.camera = lab.start_camera()
            else:
                lab.camera.process.send_signal(signal.SIGCONT)
            sees(lab, viewer, "bright")
            lab.source.says("the slate is over", times)
            print(f"  back after {how}", flush=True)
            viewer.check(GAP_SECONDS_MAX)
        sees(lab, viewer, "bright")
        if viewer.dark:
            raise Failure("the slate, in the camera's picture")
        viewer.check(GAP_SECONDS_MAX)


def h264_and_aac():
    # The shorter freeze ends before the connection is given up, and then it
    # comes in a rush.
    goes_and_comes(H264, "rtph264depay name=depay ! h264parse ! avdec_h264",
                   (("kill", 40), ("freeze", 60), ("freeze", 10), ("kill", 10)))


def vp8_and_opus():
    goes_and_comes(VP8, "rtpvp8depay name=depay ! vp8dec",
                   (("kill", 30),))


def without_an_encoder():
    """It is said, and the rest is as ever."""
    with Lab(THEORA) as lab:
        lab.source.says("not always on: there is no slate for video/THEORA")
        viewer = lab.view("rtptheoradepay name=depay ! theoradec")
        wait_for("it plays", lambda: viewer.pictures > 25)
        lab.camera.kill()
        lab.source.says("is away")
        # The sound has silence.
        with viewer.lock:
            heard = viewer.media["audio"].packets
        wait_for("silence",
                 lambda: viewer.media["audio"].packets > heard + 100,
                 lambda: f"{viewer.media['audio']}")
        lab.camera = lab.start_camera()
        seen = viewer.pictures
        wait_for("it plays on", lambda: viewer.pictures > seen + 25,
                 lab.source.output)


def main():
    Gst.init(None)
    for needed in ("rtspsrc", "avdec_h264", "vp8enc", "opusenc", "theoraenc"):
        if not Gst.ElementFactory.find(needed):
            print(f"SKIPPED: no element {needed}")
            sys.exit(77)
    failed = 0
    for part in (h264_and_aac, vp8_and_opus, without_an_encoder):
        print(f"--- {part.__name__}", flush=True)
        try:
            part()
        except Failure as failure:
            print(f"FAILED: {failure}", flush=True)
            failed += 1
    sys.exit(1 if failed else 0)


main()
