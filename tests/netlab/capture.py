# RTP on a node's interface, as it was on the wire, from an AF_PACKET socket.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import selectors
import socket
import struct
import threading
import time

ETH_P_ALL = 0x0003
ETH_P_IP = 0x0800
ETH_P_IPV6 = 0x86DD
SOL_PACKET = 263
PACKET_VNET_HDR = 15
VNET_HEADER_SIZE = 10
GSO_UDP_L4 = 5
ARPHRD_ETHER = 1
UDP = 17
SO_TIMESTAMPNS = 35  # both the option and the message


class Packet:
    """One RTP packet that was sent or received."""
    __slots__ = ("time", "outgoing", "source", "destination", "ssrc", "seq",
                 "timestamp", "data")

    @property
    def key(self):
        # The timestamp tells packets apart whose sequence numbers came round.
        return (self.ssrc, self.seq, self.timestamp)


def split_datagrams(frame, hardware):
    """Yields (source, destination, payload) of the UDP datagrams in a captured
    frame; several, when the kernel passed on a segmentation offload whole."""
    _flags, gso_type, _length, gso_size = struct.unpack_from("=BBHH", frame)
    at = VNET_HEADER_SIZE
    if hardware == ARPHRD_ETHER:
        protocol = struct.unpack_from("!H", frame, at + 12)[0]
        at += 14
    else:
        protocol = ETH_P_IPV6 if frame[at] >> 4 == 6 else ETH_P_IP
    if protocol == ETH_P_IP:
        if frame[at + 9] != UDP:
            return
        source = socket.inet_ntop(socket.AF_INET, frame[at + 12:at + 16])
        destination = socket.inet_ntop(socket.AF_INET, frame[at + 16:at + 20])
        at += (frame[at] & 15) * 4
    elif protocol == ETH_P_IPV6:
        if frame[at + 6] != UDP:
            return
        source = socket.inet_ntop(socket.AF_INET6, frame[at + 8:at + 24])
        destination = socket.inet_ntop(socket.AF_INET6, frame[at + 24:at + 40])
        at += 40
    else:
        return
    length = struct.unpack_from("!H", frame, at + 4)[0]
    payload = frame[at + 8:]
    if gso_type & 0x7F == GSO_UDP_L4 and gso_size:
        for start in range(0, len(payload), gso_size):
            yield source, destination, payload[start:start + gso_size]
    else:
        yield source, destination, payload[:length - 8]


def other_end(frame, hardware, own):
    """The IPv4 address on the other end of a captured frame and the bytes of
    the IP packet; None for what is not IPv4 from or to `own`."""
    at = VNET_HEADER_SIZE
    if hardware == ARPHRD_ETHER:
        if struct.unpack_from("!H", frame, at + 12)[0] != ETH_P_IP:
            return None
        at += 14
    if frame[at] >> 4 != 4:
        return None
    ends = {socket.inet_ntop(socket.AF_INET, frame[at + 12:at + 16]),
            socket.inet_ntop(socket.AF_INET, frame[at + 16:at + 20])}
    if own not in ends or len(ends) != 2:
        return None
    (other,) = ends - {own}
    return other, len(frame) - at


def is_rtp(data):
    # RFC 5761, 4: RTCP packet types are 192 to 223 in the second octet.
    return (len(data) >= 12 and data[0] >> 6 == 2 and
            not 192 <= data[1] <= 223)


class Capture:
    @staticmethod
    def open(interface):
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        packets.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        packets.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        packets.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        packets.bind((interface, ETH_P_ALL))
        packets.setblocking(False)
        return packets

    def __init__(self, node, packets):
        self.node = node
        self.socket = packets
        self.lock = threading.Lock()
        self.epoch = time.time() - time.monotonic()
        self.packets = []  # in the order of the wire
        self.other = {}  # bytes of IP packets without RTP, by the other end

    def read(self):
        while True:
            try:
                frame, control, _flags, address = self.socket.recvmsg(
                    70000, socket.CMSG_SPACE(16))
            except BlockingIOError:
                return
            now = self._time(control)
            outgoing = address[2] == socket.PACKET_OUTGOING
            has_rtp = False
            for source, destination, data in split_datagrams(
                    frame, address[3]):
                if is_rtp(data):
                    has_rtp = True
                    self._add(now, outgoing, source, destination, data)
            if not has_rtp:
                self._count(frame, address[3])

    # When the kernel had it, on the monotonic clock: we may be late.
    def _time(self, control):
        for level, kind, data in control:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("@qq", data[:16])
                return seconds + nanoseconds / 1e9 - self.epoch
        return time.monotonic()

    def _add(self, now, outgoing, source, destination, data):
        packet = Packet()
        packet.time = now
        packet.outgoing = outgoing
        packet.source = source
        packet.destination = destination
        packet.seq, packet.timestamp, packet.ssrc = struct.unpack_from(
            "!HII", data, 2)
        packet.data = data
        with self.lock:
            self.packets.append(packet)

    def _count(self, frame, hardware):
        if end := other_end(frame, hardware, self.node.ipv4):
            address, size = end
            with self.lock:
                self.other[address] = self.other.get(address, 0) + size

    def other_bytes(self):
        """Both ways: bytes of IP packets without RTP, by the other end."""
        with self.lock:
            return dict(self.other)

    def received(self, since=0.0):
        with self.lock:
            return [packet for packet in self.packets
                    if not packet.outgoing and packet.time >= since]

    def sent(self, since=0.0):
        with self.lock:
            return [packet for packet in self.packets
                    if packet.outgoing and packet.time >= since]


class Captures:
    """Reads all captures of a lab on a thread."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.wake, self.wake_other = os.pipe()
        self.selector.register(self.wake, selectors.EVENT_READ)
        self.thread = None
        self.captures = []

    def add(self, capture):
        self.captures.append(capture)
        self.selector.register(capture.socket, selectors.EVENT_READ, capture)
        if not self.thread:
            self.thread = threading.Thread(target=self._read, daemon=True)
            self.thread.start()
        return capture

    def _read(self):
        while True:
            for key, _events in self.selector.select(0.2):
                if key.fd == self.wake:
                    return
                key.data.read()

    def close(self):
        os.write(self.wake_other, b"x")
        if self.thread:
            self.thread.join()
        for capture in self.captures:
            capture.socket.close()
        self.selector.close()
        os.close(self.wake)
        os.close(self.wake_other)


# --- What is wrong with what was received -----------------------------------


def differing(sent, received):
    """Those received that the source did not send like that, byte by byte."""
    by_key = {packet.key: packet.data for packet in sent}
    return [packet for packet in received
            if by_key.get(packet.key) != packet.data]


def missing(packets):
    """Per SSRC the sequence numbers, extended, that lie between the first and
    the last one received and never came."""
    gaps = {}
    seen = {}
    newest = {}
    for packet in packets:
        if packet.ssrc not in newest:
            newest[packet.ssrc] = extended = packet.seq + 65536
        else:
            reference = newest[packet.ssrc]
            extended = reference + (
                (packet.seq - reference + 32768) % 65536 - 32768)
            newest[packet.ssrc] = max(reference, extended)
        seen.setdefault(packet.ssrc, set()).add(extended)
    for ssrc, numbers in seen.items():
        lost = sorted(set(range(min(numbers), max(numbers) + 1)) - numbers)
        if lost:
            gaps[ssrc] = lost
    return gaps
