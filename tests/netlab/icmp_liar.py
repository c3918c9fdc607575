#!/usr/bin/env python3
# A router's lies: whoever sends a traceroute's packets through INTERFACE gets
# floods of ICMP errors that are none, for each packet.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import random
import socket
import struct
import sys

PORTS = range(33435, 33467)
FLOOD = 40  # lies a packet


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def lies(packet, dice):
    """IPv4 packets to the sender of `packet`, all wrong in some way."""
    header, udp = packet[:20], packet[20:28]
    for _ in range(FLOOD):
        port = struct.unpack("!H", udp[2:4])[0] + dice.randint(-40, 40)
        quoted = header + udp[:2] + struct.pack("!H", port & 0xffff) + udp[4:8]
        quoted = dice.choice([quoted, quoted[:24], quoted[:3], quoted * 20,
                              packet, b""])
        kind, code = dice.choice([(11, 0), (11, 1), (3, 3), (3, 13), (3, 255),
                                  (12, 0), (5, 1), (200, 7)])
        icmp = struct.pack("!BBHI", kind, code, 0, dice.getrandbits(32))
        icmp += quoted
        icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
        liar = dice.choice([
            packet[12:16], packet[16:20], b"\x7f\0\0\1", b"\xe0\0\0\1",
            b"\xff\xff\xff\xff", b"\0\0\0\0", dice.randbytes(4)
        ])
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 0, 0, 64, 1,
                         0, liar, packet[12:16])
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        yield ip + icmp


def main():
    interface, seed = sys.argv[1], int(sys.argv[2])
    dice = random.Random(seed)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                         socket.ntohs(0x0800))
    wire.bind((interface, 0))
    print("lying", flush=True)
    told = 0
    while True:
        frame = wire.recv(65536)
        packet = frame[14:]
        if (len(packet) < 28 or packet[9] != 17 or
                struct.unpack("!H", packet[22:24])[0] not in PORTS):
            continue
        for lie in lies(packet, dice):
            # Back to where it came from.
            wire.send(frame[6:12] + frame[:6] + b"\x08\0" + lie)
            told += 1
        print("told", told, flush=True)


main()
