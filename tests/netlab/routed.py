# A lab with routers instead of a bridge: a tree of networks, its root a router
# in the middle. Every link has an IPv4 and an IPv6 network of its own.
#
#     with RoutedLab() as lab:
#         core = lab.root
#         east = lab.add_router(core)
#         peer = lab.add_host(east)       # all hosts of a router: one network
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import netlab
from netlab import run


class Router(netlab.Node):
    """A namespace that forwards; `up` is the router towards the root."""

    def __init__(self, lab, number, up):
        super().__init__(lab, number)
        self.up = up
        self.below = []  # networks, by number, behind us
        self.hosts = 0
        run("ip", "netns", "add", self.namespace)
        lab.nodes.append(self)
        run("ip", "-n", self.namespace, "link", "set", "lo", "up")
        for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            run(*self.enter, "sysctl", "-qw", f"{key}=1")
        # The hosts' network.
        ip = ("ip", "-n", self.namespace)
        run(*ip, "link", "add", "br0", "type", "bridge", "forward_delay", "0")
        run(*ip, "addr", "add", f"10.78.{number}.1/24", "dev", "br0")
        run(*ip, "addr", "add", f"fd78:{number:x}::1/64", "dev", "br0",
            "nodad")
        run(*ip, "link", "set", "br0", "up")

    def do_not_answer(self):
        """Packets still go through, but whose hops are over goes silently."""
        nft = (*self.enter, "nft", "add")
        run(*nft, "table", "inet", "lab")
        run(*nft, "chain", "inet", "lab", "out",
            "{ type filter hook output priority 0 ; }")
        run(*nft, "rule", "inet", "lab", "out", "icmp", "type",
            "time-exceeded", "drop")
        run(*nft, "rule", "inet", "lab", "out", "icmpv6", "type",
            "time-exceeded", "drop")


class RoutedLab(netlab.Lab):
    def __init__(self):
        super().__init__()
        self.links = 100  # their networks' numbers begin here
        self.root = Router(self, len(self.nodes) + 1, None)

    def add_router(self, up):
        router = Router(self, len(self.nodes) + 1, up)
        self.links += 1
        link = self.links
        run("ip", "-n", up.namespace, "link", "add", f"r{router.number}",
            "type", "veth", "peer", "name", "up0", "netns", router.namespace)
        for node, interface, host in ((up, f"r{router.number}", 1),
                                      (router, "up0", 2)):
            ip = ("ip", "-n", node.namespace)
            run(*ip, "addr", "add", f"10.78.{link}.{host}/24", "dev",
                interface)
            run(*ip, "addr", "add", f"fd78:{link:x}::{host}/64", "dev",
                interface, "nodad")
            run(*ip, "link", "set", interface, "up")
        ip = ("ip", "-n", router.namespace)
        run(*ip, "route", "add", "default", "via", f"10.78.{link}.1")
        run(*ip, "-6", "route", "add", "default", "via", f"fd78:{link:x}::1")
        # The way back, at each router from here to the root.
        child, via = router, link
        while child.up:
            for network in {router.number, link} - {via}:
                ip = ("ip", "-n", child.up.namespace)
                run(*ip, "route", "add", f"10.78.{network}.0/24", "via",
                    f"10.78.{via}.2")
                run(*ip, "-6", "route", "add", f"fd78:{network:x}::/64",
                    "via", f"fd78:{via:x}::2")
            child = child.up
            via = child.link if child.up else None
        router.link = link
        return router

    def add_host(self, router):
        node = netlab.Node(self, len(self.nodes) + 1)
        router.hosts += 1
        node.ipv4 = f"10.78.{router.number}.{router.hosts + 1}"
        node.ipv6 = f"fd78:{router.number:x}::{router.hosts + 1:x}"
        run("ip", "netns", "add", node.namespace)
        self.nodes.append(node)
        run("ip", "-n", node.namespace, "link", "set", "lo", "up")
        run("ip", "-n", router.namespace, "link", "add", f"h{node.number}",
            "type", "veth", "peer", "name", node.interface, "netns",
            node.namespace)
        run("ip", "-n", router.namespace, "link", "set", f"h{node.number}",
            "master", "br0", "up")
        self._configure(node, "24", "64")
        ip = ("ip", "-n", node.namespace)
        run(*ip, "route", "add", "default", "via", f"10.78.{router.number}.1")
        run(*ip, "-6", "route", "add", "default", "via",
            f"fd78:{router.number:x}::1")
        return node
