#!/usr/bin/env python3
# Where peers are (paper, V-A.3) with real routers: the traceroute each peer
# makes, and what smart-placement and knock-downs make of it.
#
#                          source
#                             |
#                            root
#                  +----------+----------+
#                 west                  east
#                  |                     |
#              west-town             east-town
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import shutil
import signal
import sys

import netlab
from netlab import Failure
from routed import RoutedLab

SEED = 1


class Land:
    def __init__(self, lab, ipv6=False):
        self.lab = lab
        self.ipv6 = ipv6
        self.west = lab.add_router(lab.root)
        self.west_town = lab.add_router(self.west)
        self.east = lab.add_router(lab.root)
        self.east_town = lab.add_router(self.east)

    def publish(self, *arguments):
        node = self.lab.add_host(self.lab.root)
        self.source = self.lab.publish("test", *arguments, node=node,
                                       ipv6=self.ipv6)
        return self.source

    def peer(self, router, *arguments, located=True):
        peer = self.lab.relay(self.source.uri, *arguments,
                              node=self.lab.add_host(router))
        if located:
            peer.wait_stats("path", lambda stats: "path" in stats, 10)
        return peer


def routers_of(peer):
    return peer.stats()["path"]["routers"]


def expect_parent(peer, parent, seconds=20):
    peer.wait_stats(
        f"parent {parent.name}",
        lambda stats: stats["parent-id"] == parent.stats()["id"], seconds)


def expect(what, condition):
    if not condition:
        raise Failure(what)


def check_placement(ipv6):
    with RoutedLab() as lab:
        land = Land(lab, ipv6)
        source = land.publish("--max-children=2",
                              "--add-policy=smart-placement")
        expect("the source is where all ways lead",
               source.stats()["path"]["hops"] == 0)
        policy = "--add-policy=smart-placement"
        west = land.peer(land.west_town, policy)
        east = land.peer(land.east_town, policy)
        for peer in (west, east):
            path = peer.stats()["path"]
            print(f"  {peer.name}: {path}")
            expect(f"{peer.name} is not 3 routers away: {path}",
                   path["hops"] == 3 and path["rtt-ms"] > 0)
        expect("they share nothing", routers_of(west) != routers_of(east))
        # Round-robin would have these the wrong way round, one in each wave.
        for where, parent in ((land.east_town, east), (land.west_town, west),
                              (land.west_town, west), (land.east_town, east)):
            peer = land.peer(where, policy)
            expect_parent(peer, parent)
            stats = peer.fresh_stats()
            print(f"  {peer.name}: level {stats['level']}, "
                  f"{stats['switches']} moves, parent found in "
                  f"{stats['discover-ms']:.1f} ms")
            expect(f"{peer.name}: way differs from its neighbour's",
                   routers_of(peer) == routers_of(parent))
            expect(f"{peer.name} lost packets: {stats}",
                   stats["packets-lost"] == 0)


def smart_placement():
    check_placement(ipv6=False)


def smart_placement_ipv6():
    check_placement(ipv6=True)


# A peer next to the source takes the place of the one farthest from it, which
# goes to the peer nearest to it and misses nothing.
def knock_downs():
    with RoutedLab() as lab:
        land = Land(lab)
        source = land.publish("--max-children=2", "--add-policy=knock-downs")
        far = land.peer(land.west_town, "--max-children=2")
        middle = land.peer(land.west, "--max-children=2")
        # Both are settled by now, or will be, and can be moved; and others can be
        # sent to them, which takes a dial and may take a second one.
        for peer in (far, middle):
            peer.wait_stats("settled",
                            lambda stats: stats["packets-received"] > 100 and
                            stats.get("reachable"), 40)
        wait = far.fresh_stats()
        near = land.peer(lab.root, "--max-children=2")
        expect_parent(near, source)
        expect_parent(far, middle)
        stats = far.fresh_stats()
        print(f"  {wait['level']} -> {stats['level']}, "
              f"{stats['packets-lost']} lost, "
              f"{stats['transience-ms']['total']:.0f} ms transient")
        expect(f"the move was seen: {stats}",
               stats["packets-lost"] == 0 and
               stats["transience-ms"]["total"] == 0)


# A router that does not answer is still counted, and those behind it are still
# near each other. Joining takes no longer.
def a_silent_router():
    if not shutil.which("nft"):
        print("  no nft command (package nftables): not tried")
        return
    with RoutedLab() as lab:
        land = Land(lab)
        land.west.do_not_answer()
        land.publish("--max-children=2", "--add-policy=smart-placement")
        west = land.peer(land.west_town)
        east = land.peer(land.east_town)
        path = west.stats()["path"]
        print(f"  {path}, parent found in "
              f"{west.stats()['discover-ms']:.1f} ms")
        expect(f"not [root, silent, town]: {path}",
               path["hops"] == 3 and path["routers"][1] == "0" * 16)
        for where, parent in ((land.west_town, west), (land.east_town, east)):
            expect_parent(land.peer(where), parent)


# The source drops what is sent to its ports (a firewall): the routers before it
# are known all the same.
def a_silent_source():
    if not shutil.which("nft"):
        print("  no nft command (package nftables): not tried")
        return
    with RoutedLab() as lab:
        land = Land(lab)
        source = land.publish("--max-children=2")
        nft = (*source.node.enter, "nft", "add")
        netlab.run(*nft, "table", "inet", "lab")
        netlab.run(*nft, "chain", "inet", "lab", "in",
                   "{ type filter hook input priority 0 ; }")
        netlab.run(*nft, "rule", "inet", "lab", "in", "udp", "dport",
                   "33434-33534", "drop")
        peer = land.peer(land.west_town)
        path = peer.stats()["path"]
        print(f"  {path}")
        expect(f"not 3 routers: {path}", path["hops"] == 3)


# Whatever a router says: the peer joins, is fed, knows at most so many routers,
# and its neighbour behind an honest one notices nothing.
def a_lying_router():
    print(f"  seed {SEED}")
    with RoutedLab() as lab:
        land = Land(lab)
        land.publish("--max-children=3", "--add-policy=smart-placement")
        liar = land.west_town.spawn(
            sys.executable, __file__.replace("proximity_test", "icmp_liar"),
            "br0", str(SEED))
        netlab.wait_for("the liar does not run", lambda: "lying" in
                        liar.output(), 10)
        peer = land.peer(land.west_town, located=False)
        honest = land.peer(land.east_town)
        peer.wait_stats("path", lambda stats: "path" in stats, 10)
        netlab.wait_for("no lie was told", lambda: "told" in liar.output(), 10)
        path = peer.stats()["path"]
        print(f"  {liar.output().split()[-1]} lies, path {path}")
        expect(f"too many routers: {path}", path["hops"] <= 32)
        expect("the honest one's is wrong",
               honest.stats()["path"]["hops"] == 3)
        before = peer.fresh_stats()["packets-received"]
        peer.wait_stats("packets", lambda stats:
                        stats["packets-received"] > before + 50)
        expect("packets were lost",
               peer.fresh_stats()["packets-lost"] == 0)


# The config is read again, and the next newcomer is treated by it. Each policy
# is seen to do what the others would not.
def policies_change_while_it_runs():
    with RoutedLab() as lab:
        land = Land(lab)
        config = os.path.join(lab.directory, "source.conf")

        def write(**settings):
            with open(config, "w", encoding="utf-8") as file:
                file.write("[relay]\nmax-children=2\n" + "".join(
                    f"{name.replace('_', '-')}={value}\n"
                    for name, value in settings.items()))

        def switch(relay, **settings):
            write(**settings)
            relay.signal(signal.SIGHUP)
            for name, value in settings.items():
                name = name.replace("_", "-")
                relay.wait_stats(f"{name} {value}",
                                 lambda stats, name=name, value=value:
                                 stats[name] == value)

        write(add_policy="round-robin")
        source = land.publish(f"--config={config}")
        west = land.peer(land.west_town)
        east = land.peer(land.east_town)
        parents = set()
        for _ in range(2):
            peer = land.peer(land.west_town)
            parents.add(peer.fresh_stats()["parent-id"])
        expect("round-robin does not take turns",
               parents == {west.stats()["id"], east.stats()["id"]})
        switch(source, add_policy="smart-placement")
        near = land.peer(land.east_town)
        expect_parent(near, east)
        switch(source, add_policy="knock-downs")
        inner = land.peer(lab.root)
        expect_parent(inner, source)
        for policy in ("random", "smart-bandwidth"):
            switch(source, add_policy=policy,
                   second_add_policy="smart-placement")
            for town in (land.west_town, land.east_town):
                land.peer(town)
        for policy in ("root", "grandfather-all", "root-all", "grandfather"):
            switch(source, delete_policy=policy)
        for peer in (west, east, near, inner):
            stats = peer.fresh_stats()
            expect(f"{peer.name} lost packets: {stats}",
                   stats["packets-lost"] == 0)


def switched_off():
    with RoutedLab() as lab:
        land = Land(lab)
        land.publish()
        nobody = land.peer(land.west_town, "--proximity=none", located=False)
        by_rtt = land.peer(land.west_town, "--proximity=rtt")
        expect("routers without a traceroute",
               by_rtt.stats()["path"]["hops"] == 0)
        expect("a path of who is not to have one",
               "path" not in nobody.fresh_stats())


netlab.main([smart_placement, smart_placement_ipv6, knock_downs,
             a_silent_router, a_silent_source, a_lying_router,
             policies_change_while_it_runs, switched_off])
