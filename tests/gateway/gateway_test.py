#!/usr/bin/env python3
# The gateway as players meet it: what it joins and leaves, what it says when
# something is wrong, who cannot disturb whom.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import re
import shutil
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gatewaylab  # noqa: E402
import netlab  # noqa: E402
from gatewaylab import PORT, Gateway, describe, ffmpeg, mpv  # noqa: E402

FRAME_RATE = gatewaylab.FRAME_RATE
END_SECONDS = 40


def expect(what, found, expected):
    print(f"  {what}: {found}", flush=True)
    if found != expected:
        raise netlab.Failure(f"{what}: {found!r}, expected {expected!r}")


def joins_for_the_first_leaves_after_the_last():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=1")
        node = lab.add_node()
        gateway = Gateway(node, "--gateway-idle-timeout=2", "--max-children=4")
        url = gateway.url_of(source.uri)
        if source.fresh_stats()["children"]:
            raise netlab.Failure("joined for nobody")
        players = [ffmpeg(node, url, "udp", 4), ffmpeg(node, url, "tcp", 3)]
        gateway.wait_state("receiving")
        # One place at the source is enough for all players; and it relays.
        peer = lab.relay(source.uri, wait=False)
        peer.wait_stats("level 2", lambda stats: stats["level"] == 2)
        for player in players:
            if player.process.wait(END_SECONDS):
                raise netlab.Failure(player.process.output()[-2000:])
        netlab.wait_for("it leaves the stream",
                        lambda: "left, nobody plays it" in gateway.output(),
                        15)
        # Its child has moved up.
        peer.wait_stats("level 1", lambda stats: stats["level"] == 1)
        again = ffmpeg(node, url, "tcp", 2)
        if again.process.wait(END_SECONDS):
            raise netlab.Failure(again.process.output()[-2000:])


def says_why_not():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=0")
        node = lab.add_node()
        gateway = Gateway(node, "--gateway-streams=2")
        host = source.node.ipv4
        base = gateway.uri
        expect("no host", describe(node, f"{base}/live"),
               "RTSP/1.0 404 No such mount; streams are at /HOST[:PORT]/PATH")
        expect("no such stream", describe(node, f"{base}/{host}/typo"),
               f"RTSP/1.0 404 {host}:8554 has no stream '/typo'; check the "
               "path of the URI")
        # The search for a place takes longer than a player is made to wait.
        expect("saturated", describe(node, f"{base}/{host}/live"),
               "RTSP/1.0 503 No peer has given this node a place yet; it is "
               "looking on, try again")
        describe(node, f"{base}/{host}/second")
        expect("too many at once", describe(node, f"{base}/{host}/third"),
               "RTSP/1.0 453 The gateway has 2 streams already; "
               "--gateway-streams allows more")
        expect("not to be published", gatewaylab.ask(
            node, f"ANNOUNCE {base}/mine RTSP/1.0\r\nCSeq: 1\r\nContent-Type: "
            "application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
        ).split("\r\n")[0], "RTSP/1.0 403 Not to be published here; "
               "--gateway-publish allows it")
        netlab.wait_for(
            "the search is over", lambda: describe(
                node, f"{base}/{host}/live").startswith(
                    "RTSP/1.0 453 no peer has room"), 40)
        # Those that are not there are forgotten, and so make room.
        netlab.wait_for("there is room again", lambda: "no stream" in describe(
            node, f"{base}/{host}/third"), 20)


def a_page_in_a_browser_has_it_join_nothing():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=1")
        node = lab.add_node()
        gateway = Gateway(node)
        path = source.uri.split(":/", 1)[1]
        describe_text = (f"DESCRIBE {gateway.uri}{path} RTSP/1.0\r\n"
                         "CSeq: 1\r\n\r\n")
        for text in (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                     f"OPTIONS {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                     f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                     "Content-Type: text/plain\r\nContent-Length: "
                     f"{len(describe_text)}\r\n\r\n{describe_text}"):
            answer = gatewaylab.ask(node, text, seconds=2)
            print(f"  {text.split()[0]}: {answer.splitlines()[:1]}")
            if "RTSP/1.0 200" in answer:
                raise netlab.Failure(answer)
        if source.fresh_stats()["children"] or gateway.stats():
            raise netlab.Failure("joined the stream")


def two_and_named_mounts():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=4")
        node = lab.add_node()
        gateway = Gateway(node)
        taken = node.spawn(lab.relay_command, f"--gateway=:{PORT}")
        if taken.wait(10) != 1 or "Address already in use" not in taken.output():
            raise netlab.Failure(taken.output())
        config = os.path.join(lab.directory, "gateway.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'[relay]\ngateway=0.0.0.0:{PORT + 1}\n\n'
                       f'[mount "news"]\nuri={source.uri}\n')
        other = node.spawn(lab.relay_command, f"--config={config}")
        netlab.wait_for("the other listens",
                        lambda: "the gateway" in other.output(), 10)
        players = [ffmpeg(node, gateway.url_of(source.uri), "udp", 3),
                   ffmpeg(node, f"rtsp://127.0.0.1:{PORT + 1}/news", "udp", 3)]
        # From elsewhere a named mount is to be had, and nothing else.
        away = lab.add_node()
        far = f"rtsp://{node.ipv4}:{PORT + 1}"
        players.append(ffmpeg(away, f"{far}/news", "tcp", 3))
        for player in players:
            if player.process.wait(END_SECONDS) or player.frames() < 50:
                raise netlab.Failure(player.process.output()[-2000:])
        stranger = ffmpeg(away, far + source.uri.split(":/", 1)[1], "tcp", 1)
        if not stranger.process.wait(END_SECONDS) or (
                "Only players on this machine" not in
                stranger.process.output()):
            raise netlab.Failure(stranger.process.output()[-2000:])
        for gate in (gateway, other):
            gate.signal(signal.SIGTERM)
            if gate.wait(15):
                raise netlab.Failure(gate.output())


def one_that_stops_reading_and_a_slow_stream_disturb_nobody():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=4")
        node = lab.add_node()
        gateway = Gateway(node)
        url = gateway.url_of(source.uri)
        stalled = ffmpeg(node, url, "tcp", 60)
        netlab.wait_for("it plays", lambda: stalled.frames() > 10)
        stalled.process.signal(signal.SIGSTOP)
        # A host that never answers; a client waits for it meanwhile.
        nowhere = lab.add_node()
        netlab.run("ip", "-n", nowhere.namespace, "link", "set",
                   nowhere.interface, "down")
        waiting = ffmpeg(node, f"{gateway.uri}/{nowhere.ipv4}/x", "tcp", 1)
        begun = time.monotonic()
        players = [ffmpeg(node, url, transport, 5)
                   for transport in ("udp", "tcp") * 4]
        for player in players:
            if player.process.wait(END_SECONDS):
                raise netlab.Failure(player.process.output()[-2000:])
            if player.frames() < 4 * FRAME_RATE:
                raise netlab.Failure(f"{player.frames()} frames")
        print(f"  8 players, 5 s each: {time.monotonic() - begun:.1f} s")
        if not waiting.process.wait(END_SECONDS):
            raise netlab.Failure("there is no such host")
        print("  " + waiting.process.output().split("\n")[0])
        stalled.process.signal(signal.SIGCONT)
        stalled.process.kill()


def ends_well_when_the_stream_does():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=4")
        node = lab.add_node()
        gateway = Gateway(node)
        players = [ffmpeg(node, gateway.url_of(source.uri), transport, 60)
                   for transport in ("udp", "tcp")]
        for player in players:
            netlab.wait_for("it plays", lambda player=player:
                            player.frames() > 10)
        source.signal(signal.SIGTERM)
        for player in players:
            if player.process.wait(END_SECONDS):
                raise netlab.Failure(player.process.output()[-2000:])
        netlab.wait_for("it says so", lambda: "has ended" in gateway.output(),
                        10)


def deaf_player(node, url):
    """Has the stream over UDP, and never hears that it is over."""
    link = node.socket(
        lambda: socket.create_connection(("127.0.0.1", PORT), 20))

    def ask(text):
        link.sendall(text.encode())
        answer = link.recv(65536).decode()
        if not answer.startswith("RTSP/1.0 200"):
            raise netlab.Failure(f"{text} {answer}")
        return answer

    ask(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n"
        "Accept: application/sdp\r\n\r\n")
    session = re.search(r"Session: ([^;\s]+)", ask(
        f"SETUP {url}/stream=0 RTSP/1.0\r\nCSeq: 2\r\n"
        "Transport: RTP/AVP;unicast;client_port=40000-40001\r\n\r\n"))
    ask(f"PLAY {url} RTSP/1.0\r\nCSeq: 3\r\n"
        f"Session: {session.group(1)}\r\n\r\n")
    return link


def hangs_up_on_who_does_not_hear_the_end():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=4")
        other = lab.publish("test", "--max-children=4")
        node = lab.add_node()
        gateway = Gateway(node)
        with deaf_player(node, gateway.url_of(source.uri)) as deaf, \
                deaf_player(node, gateway.url_of(other.uri)) as another:
            source.signal(signal.SIGTERM)
            deaf.settimeout(END_SECONDS)
            if deaf.recv(1):
                raise netlab.Failure("it was told something else")
            another.settimeout(2)
            try:
                raise netlab.Failure(f"so was another: {another.recv(1)}")
            except TimeoutError:
                pass


def connections_and_streams_are_bounded():
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=4")
        node = lab.add_node()
        gateway = Gateway(node)

        def threads():
            return len(os.listdir(f"/proc/{gateway.popen.pid}/task"))

        def connect():
            return node.socket(lambda: socket.create_connection(
                ("127.0.0.1", PORT), 10))

        before = threads()
        idle = [connect() for _ in range(200)]
        netlab.wait_for("it refuses some", lambda: before + 100 < threads() <
                        before + 160, 10)
        for link in idle:
            link.close()
        netlab.wait_for("they are gone", lambda: threads() < before + 8, 10)
        for number in range(50):
            link = connect()
            link.sendall(bytes(range(255, 0, -1)) + b"\r\n\r\n" * number)
            link.close()
        answers = [describe(node, f"{gateway.uri}/{source.node.ipv4}/{name}")
                   for name in range(12)]
        if sum("has 8 streams already" in answer for answer in answers) != 4:
            raise netlab.Failure(f"{answers}")
        # Those that are not there are forgotten after a while.
        netlab.wait_for("a player is let in", lambda: "200 OK" in describe(
            node, gateway.url_of(source.uri)), 20)
        if "CRITICAL" in gateway.output():
            raise netlab.Failure(gateway.output())


def mpv_plays():
    if not shutil.which("mpv"):
        print("  left out: no mpv")
        return
    with netlab.Lab() as lab:
        source = lab.publish("test", "--max-children=4")
        node = lab.add_node()
        gateway = Gateway(node)
        players = [mpv(node, gateway.url_of(source.uri), transport, 3)
                   for transport in ("udp", "tcp")]
        for player in players:
            if player.wait(END_SECONDS) or "AT 2." not in player.output():
                raise netlab.Failure(player.output()[-2000:])


gatewaylab.require_tools()
netlab.main([
    joins_for_the_first_leaves_after_the_last, says_why_not,
    a_page_in_a_browser_has_it_join_nothing, two_and_named_mounts,
    one_that_stops_reading_and_a_slow_stream_disturb_nobody,
    ends_well_when_the_stream_does, hangs_up_on_who_does_not_hear_the_end,
    connections_and_streams_are_bounded, mpv_plays
])
