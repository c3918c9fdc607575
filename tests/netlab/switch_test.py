#!/usr/bin/env python3
# The delay switch does what other tests believe it does.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import socket
import time

import netlab


def udp(node, family):
    def make():
        made = socket.socket(family, socket.SOCK_DGRAM)
        made.bind(("", 9))
        made.settimeout(5)
        return made

    return node.socket(make)


def bounce(a, b, address_of_a, address_of_b):
    """Seconds to b and back."""
    began = time.monotonic()
    a.sendto(b"there", (address_of_b, 9))
    if b.recv(100) != b"there":
        raise netlab.Failure("something else arrived")
    b.sendto(b"back", (address_of_a, 9))
    if a.recv(100) != b"back":
        raise netlab.Failure("something else came back")
    return time.monotonic() - began


def lab_of_two():
    lab = netlab.Lab(delay=True)
    nodes = lab.add_node(), lab.add_node()
    return lab, nodes, lab.start_switch()


def delays_each_way():
    lab, (a, b), switch = lab_of_two()
    with lab:
        for family, of_a, of_b in ((socket.AF_INET, a.ipv4, b.ipv4),
                                   (socket.AF_INET6, a.ipv6, b.ipv6)):
            at_a, at_b = udp(a, family), udp(b, family)
            bare = bounce(at_a, at_b, of_a, of_b)
            switch.set_delay(a, b, 40)
            delayed = bounce(at_a, at_b, of_a, of_b)
            print(f"  {family.name}: {bare * 1e3:.2f} ms without delay, "
                  f"{delayed * 1e3:.2f} ms with 2 x 40 ms")
            if delayed < 0.08:
                raise netlab.Failure(f"80 ms took {delayed * 1e3} ms")
            switch.set_delay(a, b, 0)
            at_a.close()
            at_b.close()


def loses_all_and_none():
    lab, (a, b), switch = lab_of_two()
    with lab:
        at_a, at_b = udp(a, socket.AF_INET), udp(b, socket.AF_INET)
        switch.set_loss(a, b, 1)
        for _ in range(20):
            at_a.sendto(b"lost", (b.ipv4, 9))
        at_b.settimeout(0.3)
        try:
            raise netlab.Failure(f"{at_b.recv(100)} arrived")
        except TimeoutError:
            pass
        at_b.settimeout(5)
        switch.set_loss(a, b, 0)
        bounce(at_a, at_b, a.ipv4, b.ipv4)
        at_a.close()
        at_b.close()


def limits_the_uplink():
    lab, (a, b), switch = lab_of_two()
    with lab:
        at_a, at_b = udp(a, socket.AF_INET), udp(b, socket.AF_INET)
        # 40 packets of 1000 bytes and 28 of headers: 329 ms at 1 Mbit/s, more
        # than the queue holds.
        switch.set_rate(a, 1_000_000)
        began = time.monotonic()
        for _ in range(40):
            at_a.sendto(bytes(1000), (b.ipv4, 9))
        at_b.settimeout(0.6)
        count = 0
        last = began
        try:
            while True:
                at_b.recv(2000)
                count += 1
                last = time.monotonic()
        except TimeoutError:
            pass
        print(f"  {count} of 40 packets in {last - began:.3f} s")
        if not 20 <= count < 40 or last - began < 0.15:
            raise netlab.Failure("that is not 1 Mbit/s with a 200 ms queue")
        at_a.close()
        at_b.close()


def refuses_nonsense():
    lab, (a, b), switch = lab_of_two()
    with lab:
        for command in ("delay 1 9 1", "delay 0 1 1", "delay 1 2", "loss 1 2 x",
                        "rate 1 -5", "fly 1 2 3"):
            try:
                switch.command(command)
            except netlab.Failure:
                continue
            raise netlab.Failure(f"took {command}")


netlab.main([
    delays_each_way, loses_all_and_none, limits_the_uplink, refuses_nonsense
])
