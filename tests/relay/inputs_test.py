#!/usr/bin/env python3
# gst-spreadit-relay --publish of SRT, RTMP, HLS, MPEG-TS and files over HTTP: who
# sends goes away and comes back, and to a player that looks on it is one stream
# all the time. What is wrong is said.
#
#   inputs_test.py RELAY
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import concurrent.futures
import functools
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading

from viewer import (HOST, RELAY_ENVIRONMENT, Failure, Gst, Relay, Viewer,
                    free_port, is_served, wait_for)

RELAY = sys.argv[1]
# While nobody sends there are no packets, for as long as that takes.
GAP_SECONDS_MAX = 30
# But for a slate: after 1.5 s, and on a machine that has other things to do.
SLATE_GAP_SECONDS_MAX = 4
DECODER = "rtph264depay name=depay ! h264parse ! avdec_h264"
LIVE = ["-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25", "-f", "lavfi",
        "-i", "sine=frequency=440:sample_rate=48000"]
CODED = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g",
         "25", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2"]


class Sender:
    """ffmpeg, which sends a test picture and a tone until it is killed."""

    def __init__(self, directory, *output, live=()):
        self.log = open(os.path.join(directory, "ffmpeg.log"), "ab")
        self.process = subprocess.Popen(
            ["ffmpeg", "-nostdin", "-loglevel", "warning", *(live or LIVE),
             *CODED, *output], stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Files(http.server.ThreadingHTTPServer):
    """A web server of what is in a folder."""

    daemon_threads = True

    def __init__(self, directory, port):
        handler = functools.partial(Quiet, directory=directory)
        super().__init__((HOST, port), handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def kill(self):
        self.shutdown()
        self.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Lab:
    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = self.directory.name
        self.port = free_port()
        self.there = []

    def add(self, what):
        self.there.append(what)
        return what

    def send(self, *output):
        return self.add(Sender(self.path, *output))

    def publish(self, url, *options):
        return self.add(Relay(RELAY, self.path, "source", f"--publish={url}",
                              *options, f"spreadit://{HOST}:{self.port}/live"))

    def view(self, source):
        url = f"rtsp://{HOST}:{self.port}/live"
        wait_for("it is published", lambda: is_served(url), source.output)
        viewer = Viewer(url, DECODER)
        self.there.append(viewer)
        return viewer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in reversed(self.there):
            (one.stop if isinstance(one, Viewer) else one.kill)()
        self.directory.cleanup()


def sees(viewer, source, number=40):
    before = viewer.pictures
    wait_for(f"{number} pictures", lambda: viewer.pictures >= before + number,
             lambda: f"{viewer.pictures}\n{source.output()}")


def is_listening(port):
    """A look that is no connection."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(line.split()[1].endswith(f":{port:04X}") and
                   line.split()[3] == "0A" for line in table.readlines()[1:])


def comes_and_goes(url, output, waits):
    """`output`: what makes ffmpeg send there, `waits`: which end is called."""
    with Lab() as lab:
        port = free_port()
        url = url.format(port=port)
        output = [part.format(port=port) for part in output]
        sender = lab.send(*output) if waits == "sender" else None
        source = lab.publish(url)
        if waits == "source":
            source.says("waiting for somebody")
            sender = lab.send(*output)
        viewer = lab.view(source)
        sees(viewer, source)
        for times in (1, 2):
            sender.kill()
            wait_for("it is missed", lambda t=times:
                     source.output().count("is away") == t, source.output)
            sender = lab.send(*output)
            source.says("is back", times)
            sees(viewer, source)
            viewer.check(GAP_SECONDS_MAX)


def srt_that_is_called():
    comes_and_goes("srt://:{port}", ["-f", "mpegts", "srt://127.0.0.1:{port}"],
                   "source")


def srt_that_calls():
    comes_and_goes("srt://127.0.0.1:{port}",
                   ["-f", "mpegts", "srt://127.0.0.1:{port}?mode=listener"],
                   "sender")


class RtmpServer:
    """nginx, which passes on what is published to it."""

    MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

    def __init__(self, directory, port):
        settings = os.path.join(directory, "nginx.conf")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(f"load_module {self.MODULE};\ndaemon off;\n"
                       f"pid {directory}/nginx.pid;\nerror_log stderr;\n"
                       "worker_processes 1;\nevents {}\nrtmp { server { "
                       f"listen {HOST}:{port}; application app {{ live on; }} "
                       "} }\n")
        self.log = open(os.path.join(directory, "nginx.log"), "ab")
        self.process = subprocess.Popen(
            ["nginx", "-p", directory, "-c", settings], stderr=self.log,
            stdin=subprocess.DEVNULL, stdout=self.log)

    def kill(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def a_slate_meanwhile():
    with Lab() as lab:
        port = free_port()
        output = ["-f", "mpegts", f"srt://{HOST}:{port}"]
        source = lab.publish(f"srt://:{port}", "--always-on")
        source.says("waiting for somebody")
        sender = lab.send(*output)
        viewer = lab.view(source)
        sees(viewer, source)
        sender.kill()
        source.says("the slate is shown")
        sees(viewer, source)
        sender = lab.send(*output)
        source.says("the slate is over")
        sees(viewer, source)
        viewer.check(SLATE_GAP_SECONDS_MAX)


def rtmp():
    """Of a server that stays, and of one that goes."""
    if not shutil.which("nginx") or not os.path.exists(RtmpServer.MODULE):
        print("  not tried: no nginx with RTMP (libnginx-mod-rtmp)")
        return
    with Lab() as lab:
        port = free_port()
        url = f"rtmp://{HOST}:{port}/app/key"
        server = lab.add(RtmpServer(lab.path, port))
        wait_for("nginx listens", lambda: is_listening(port))
        sender = lab.send("-f", "flv", url)
        source = lab.publish(url)
        viewer = lab.view(source)
        sees(viewer, source)
        for times, who in enumerate(("sender", "server"), 1):
            (sender if who == "sender" else server).kill()
            wait_for("it is missed", lambda t=times:
                     source.output().count("is away") == t, source.output)
            if who == "server":
                sender.kill()
                server = lab.add(RtmpServer(lab.path, port))
                wait_for("nginx listens", lambda: is_listening(port))
            sender = lab.send("-f", "flv", url)
            source.says("is back", times)
            sees(viewer, source)
            viewer.check(GAP_SECONDS_MAX)


def a_picture_later_than_the_sound():
    """FLV does not say that there will be one."""
    with Lab() as lab:
        port = free_port()
        url = f"http://{HOST}:{port}/live.flv"
        lab.add(Sender(lab.path, "-f", "flv", "-listen", "1", url,
                       live=["-re", "-itsoffset", "3", *LIVE[1:5], "-re",
                             *LIVE[5:]]))
        wait_for("ffmpeg listens", lambda: is_listening(port))
        source = lab.publish(url)
        viewer = lab.view(source)
        sees(viewer, source)
        viewer.check(GAP_SECONDS_MAX)


def sound_alone():
    with Lab() as lab:
        port = free_port()
        lab.send("-vn", "-f", "mpegts", f"udp://{HOST}:{port}")
        source = lab.publish(f"udp://{HOST}:{port}")
        url = f"rtsp://{HOST}:{lab.port}/live"
        wait_for("it is published", lambda: is_served(url), source.output)


def mpeg_ts_over_udp():
    comes_and_goes("udp://127.0.0.1:{port}",
                   ["-f", "mpegts", "udp://127.0.0.1:{port}?pkt_size=1316"],
                   "source")


def hls():
    """Pieces of a second come at once and are played one after the other."""
    with Lab() as lab:
        port = free_port()
        server = lab.add(Files(lab.path, port))
        playlist = os.path.join(lab.path, "live.m3u8")
        lab.send("-f", "hls", "-hls_time", "1", "-hls_list_size", "6",
                 "-hls_flags", "delete_segments", playlist)
        wait_for("a playlist", lambda: os.path.exists(playlist) and
                 open(playlist, encoding="utf-8").read().count("#EXTINF") >= 4)
        source = lab.publish(f"http://{HOST}:{port}/live.m3u8")
        viewer = lab.view(source)
        sees(viewer, source, 100)
        server.kill()
        # First what has been fetched is played.
        wait_for("it is missed", lambda: "is away" in source.output(),
                 source.output, 90)
        lab.add(Files(lab.path, port))
        source.says("is back")
        sees(viewer, source)
        viewer.check(GAP_SECONDS_MAX)


def make_clip(path, seconds):
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", *LIVE[1:],
                    *CODED, "-t", str(seconds), "-movflags", "faststart", path],
                   check=True)


def a_file_over_http():
    """It ends; with --loop it begins again, and time goes on."""
    with Lab() as lab:
        port = free_port()
        lab.add(Files(lab.path, port))
        make_clip(os.path.join(lab.path, "clip.mp4"), 3)
        url = f"http://{HOST}:{port}/clip.mp4"
        source = lab.publish(url)
        status = source.process.wait(40)
        if status or "the stream has ended" not in source.output():
            raise Failure(f"status {status}\n{source.output()}")
        source = lab.publish(url, "--loop")
        viewer = lab.view(source)
        sees(viewer, source, 200)
        viewer.check(GAP_SECONDS_MAX)
        if "away" in source.output():
            raise Failure(source.output())


def fails(what, expected, *arguments):
    """`expected`: parts of the one line on standard error."""
    done = subprocess.run(
        [RELAY, *arguments, f"spreadit://{HOST}:{free_port()}/live"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, timeout=60, env=RELAY_ENVIRONMENT)
    print(f"  {done.stderr.strip()}", flush=True)
    if (done.returncode != 1 or done.stderr.count("\n") != 1 or
            any(part not in done.stderr for part in expected)):
        raise Failure(f"{what}: status {done.returncode}, expected {expected}\n"
                      f"{done.stderr}")


def what_is_wrong_is_said():
    with Lab() as lab:
        port = free_port()
        lab.add(Files(lab.path, port))
        with open(os.path.join(lab.path, "text"), "w", encoding="utf-8") as file:
            file.write("not a stream\n" * 100)
        closed = free_port()
        for url in (f"rtmp://{HOST}:{closed}/app/key", f"srt://{HOST}:{closed}",
                    f"http://{HOST}:{closed}/a", f"http://{HOST}:{port}/none",
                    f"http://{HOST}:{port}/text"):
            fails(url, [f"cannot publish {url}: "], f"--publish={url}")
        fails("a protocol there is nothing for",
              ["cannot play gopher://x/y: ", "gopher"], "--publish=gopher://x/y")
        fails("no such device", ["cannot read /dev/video97: No such file"],
              "--publish=v4l2:///dev/video97")
        fails("a device of another kind", ["cannot publish /dev/null: "],
              "--publish=/dev/null")


def run(part):
    """What went wrong, or nothing."""
    try:
        part()
    except Failure as failure:
        return str(failure)
    return ""


def main():
    if not shutil.which("ffmpeg"):
        print("SKIPPED: no ffmpeg")
        sys.exit(77)
    Gst.init(None)
    parts = (srt_that_is_called, srt_that_calls, a_slate_meanwhile, rtmp,
             a_picture_later_than_the_sound, sound_alone, mpeg_ts_over_udp, hls,
             a_file_over_http, what_is_wrong_is_said)
    parts = [part for part in parts if part.__name__ in sys.argv[2:] or
             not sys.argv[2:]]
    # Most of it is waiting.
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for part, wrong in zip(parts, pool.map(run, parts)):
            print(f"--- {part.__name__}: {wrong or 'ok'}", flush=True)
            failed += bool(wrong)
    sys.exit(1 if failed else 0)


main()
