#!/usr/bin/env python3
# Viewers that nobody can connect to, one behind a NAT and one behind a firewall:
# they watch, are told so, and no newcomer is sent to them.
#
#       source   relay   walled (drops SYNs)   newcomers
#          |       |        |                    |
#          +-------+--root--+--------------------+
#                    |
#                   home (masquerades)
#                    |
#                  natted
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import re
import shutil

import netlab
from netlab import Failure, run, wait_for
from routed import RoutedLab

# The parent's dial may be swallowed for 3 s, and the first report comes then.
TOLD_SECONDS = 15
# core/limits.hpp: dial_retry_min, and twice that if the first came too early.
FOUND_OUT_SECONDS = 60
# A newcomer that is sent to somebody nobody can connect to loses 3 s.
DISCOVER_MS = 1500
NEWCOMERS = 4


def nft(node, *rule):
    run(*node.enter, "nft", *rule)


def masquerade(router, up):
    """Nobody outside knows the network behind it."""
    nft(router, "add", "table", "ip", "lab")
    nft(router, "add", "chain", "ip", "lab", "out",
        "{ type nat hook postrouting priority 100 ; }")
    nft(router, "add", "rule", "ip", "lab", "out", "oifname", "up0",
        "masquerade")
    run("ip", "-n", up.namespace, "route", "delete",
        f"10.78.{router.number}.0/24")


def drop_syns(node):
    nft(node, "add", "table", "inet", "lab")
    nft(node, "add", "chain", "inet", "lab", "in",
        "{ type filter hook input priority 0 ; }")
    nft(node, "add", "rule", "inet", "lab", "in", "tcp", "flags",
        "&", "(syn | ack)", "==", "syn", "drop")


class Land:
    def __init__(self, lab, policy, scheme="spreadit"):
        self.lab = lab
        self.policy = f"--add-policy={policy}"
        self.home = lab.add_router(lab.root)
        masquerade(self.home, lab.root)
        self.source = lab.publish("test", self.policy, "--max-children=3",
                                  node=lab.add_host(lab.root), scheme=scheme)
        # With TLS its own id is what it is known by.
        said = re.search(r"\?id=[0-9a-f]{32}", self.source.output())
        self.uri = self.source.uri + (said.group() if said else "")
        self.natted = self.relay(self.home)
        self.walled_node = lab.add_host(lab.root)
        drop_syns(self.walled_node)
        self.walled = lab.relay(self.uri, self.policy,
                                node=self.walled_node)
        self.good = self.relay(lab.root, "--max-children=20")
        for peer in self.natted, self.walled:
            peer.wait_stats("it is told that nobody gets there",
                            lambda stats: stats.get("reachable") is False,
                            TOLD_SECONDS)
        self.good.wait_stats("it is told that others get there",
                             lambda stats: stats.get("reachable") is True,
                             TOLD_SECONDS)

    def relay(self, router, *arguments):
        return self.lab.relay(self.uri, self.policy, *arguments,
                              node=self.lab.add_host(router))


def warnings(relay):
    return [line for line in relay.output().split("\n")
            if "cannot connect to" in line]


def check_warned(land):
    for peer, address in ((land.natted, land.natted.node.ipv4),
                          (land.walled, land.walled.node.ipv4)):
        lines = warnings(peer)
        if len(lines) != 1 or f"{address}:{netlab.PORT}" not in lines[0] or \
                "--advertise" not in lines[0]:
            raise Failure(f"{peer.name} is told {lines}")
    if warnings(land.good) or warnings(land.source):
        raise Failure("who can be reached is warned as well")


def check_newcomers(land):
    """As many by turns would have met both of them."""
    unreachable = {peer.stats()["id"] for peer in (land.natted, land.walled)}
    longest = 0
    newcomers = [land.relay(land.lab.root, "--max-children=0")
                 for _ in range(NEWCOMERS)]
    for newcomer in newcomers:
        stats = newcomer.wait_stats("its search", lambda stats:
                                    "discover-ms" in stats)
        if unreachable & {stats["parent-id"], *stats["root-path"]}:
            raise Failure(f"{newcomer.name} is below whom nobody can reach")
        longest = max(longest, stats["discover-ms"])
    if longest > DISCOVER_MS:
        raise Failure(f"a newcomer was sent there: {longest:.0f} ms")
    for peer in land.natted, land.walled, land.good:
        if peer.stats()["state"] != "receiving":
            raise Failure(f"{peer.name} does not receive: {peer.stats()}")
    print(f"  newcomers are in after {longest:.0f} ms at most")


def newcomers_are_sent_past_them():
    for policy in "auto", "round-robin":
        print(f"  {policy}")
        with RoutedLab() as lab:
            land = Land(lab, policy)
            check_newcomers(land)
            check_warned(land)


def over_tls_it_is_the_same():
    with RoutedLab() as lab:
        check_newcomers(Land(lab, "auto", "spreadits"))


def what_check_says(land, node):
    check = node.spawn(land.lab.relay_command, "--check",
                       f"--listen=0.0.0.0:{netlab.PORT}", land.source.uri)
    status = check.wait(netlab.LINK_UP_SECONDS)
    said = [line for line in check.output().split("\n")
            if line.startswith("  others")]
    if status != 0 or len(said) != 1:
        raise Failure(f"status {status}: {check.output()}")
    print(said[0])
    return said[0]


def check_says_so():
    with RoutedLab() as lab:
        land = Land(lab, "auto")
        walled = lab.add_host(lab.root)
        drop_syns(walled)
        for node in walled, lab.add_host(land.home):
            said = what_check_says(land, node)
            if f"cannot connect to {node.ipv4}:{netlab.PORT}" not in said:
                raise Failure(f"nobody can connect there, but: {said}")
        said = what_check_says(land, lab.add_host(lab.root))
        if "has connected" not in said:
            raise Failure(f"it can be reached, but: {said}")


def a_port_that_is_opened_is_found_out_about():
    with RoutedLab() as lab:
        land = Land(lab, "round-robin")
        nft(land.walled_node, "flush", "ruleset")
        land.walled.wait_stats("it is told that others get there now",
                               lambda stats: stats.get("reachable") is True,
                               FOUND_OUT_SECONDS)
        wait_for("and says so", lambda: "others can connect to "
                 f"{land.walled.node.ipv4}:{netlab.PORT} now" in
                 land.walled.output(), 5)
        if land.natted.stats().get("reachable") is not False:
            raise Failure("the NAT is still there")


if not shutil.which("nft"):
    netlab.skip("no nft command (package nftables)")
netlab.main([
    newcomers_are_sent_past_them, over_tls_it_is_the_same, check_says_so,
    a_port_that_is_opened_is_found_out_about
])
