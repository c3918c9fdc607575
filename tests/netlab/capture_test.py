#!/usr/bin/env python3
# The eyes of the other tests: what capture.py finds wrong is wrong, and what
# it finds right is right. No network.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import struct
import sys

import capture
from capture import ARPHRD_ETHER, GSO_UDP_L4, differing, missing


def rtp(seq, timestamp=0, payload=b"x", ssrc=1):
    packet = capture.Packet()
    packet.ssrc, packet.seq, packet.timestamp = ssrc, seq % 65536, timestamp
    packet.data = struct.pack("!BBHII", 0x80, 96, seq % 65536, timestamp,
                              ssrc) + payload
    return packet


def frame(payload, gso_size=0, version=4):
    vnet = struct.pack("=BBHHHH", 0, GSO_UDP_L4 if gso_size else 0, 42,
                       gso_size, 0, 0)
    length = struct.pack("!HHHH", 5000, 5001, 8 + len(payload), 0)
    if version == 4:
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0,
                             0, 64, 17, 0, bytes([10, 77, 0, 1]),
                             bytes([10, 77, 0, 2]))
        kind = capture.ETH_P_IP
    else:
        header = struct.pack("!IHBB16s16s", 6 << 28, 8 + len(payload), 17, 64,
                             bytes(15) + b"\1", bytes(15) + b"\2")
        kind = capture.ETH_P_IPV6
    return vnet + bytes(12) + struct.pack("!H", kind) + header + length + (
        payload)


def datagrams(data, hardware=ARPHRD_ETHER):
    return list(capture.split_datagrams(data, hardware))


assert datagrams(frame(b"hello")) == [("10.77.0.1", "10.77.0.2", b"hello")]
assert datagrams(frame(b"hello", version=6)) == [("::1", "::2", b"hello")]
# Padding of short Ethernet frames is not payload.
assert datagrams(frame(b"hello") + bytes(13))[0][2] == b"hello"
# A segmentation offload is the datagrams it becomes.
assert [data for _s, _d, data in datagrams(frame(b"aabbc", gso_size=2))] == [
    b"aa", b"bb", b"c"]
# On a TUN device there is no Ethernet header.
plain = frame(b"hello")
assert datagrams(plain[:10] + plain[24:], 65534) == datagrams(plain)

assert capture.is_rtp(rtp(1).data)
assert not capture.is_rtp(b"\x80\xc8" + bytes(20))  # RTCP SR
assert not capture.is_rtp(b"\x80\x60" + bytes(5))  # too short
assert not capture.is_rtp(b"RTSP/1.0 200 OK")

sent = [rtp(seq, seq) for seq in range(10)]
assert not differing(sent, sent[3:])
assert len(differing(sent, [rtp(3, 3, b"y")])) == 1  # another payload
assert len(differing(sent, [rtp(3, 4)])) == 1  # another timestamp
assert len(differing(sent, [rtp(10, 10)])) == 1  # never sent

assert not missing([rtp(seq) for seq in (1, 2, 3)])
assert not missing([rtp(seq) for seq in (1, 3, 2, 2)])  # reordered, twice
assert missing([rtp(seq) for seq in (1, 2, 4)]) == {1: [65536 + 3]}
# Round the end of the numbers, and before the first one received.
assert not missing([rtp(seq) for seq in range(65530, 65546)])
assert not missing([rtp(seq) for seq in (65535, 65534, 65536)])
assert missing([rtp(65535), rtp(65537)]) == {1: [65536 + 65536]}
assert set(missing([rtp(1), rtp(3), rtp(8, ssrc=2), rtp(6, ssrc=2)])) == {1, 2}
print("ok")
sys.exit(0)
