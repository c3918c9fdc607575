# Trees that several tests grow, and what is asked of their nodes.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import signal
import time

from capture import differing, missing
from netlab import Failure, wait_for


class Tree:
    """A source and relays, each with a capture that began before it did."""

    def __init__(self, lab, source_children, publish="test", arguments=()):
        self.lab = lab
        self.peers = []
        self.captures = {}
        node = lab.add_node()
        self.source_capture = lab.capture(node)
        self.source = lab.publish(
            publish, self._configure(node, source_children), *arguments,
            node=node)

    def grow(self, *children, capture=True, arguments=()):
        """Peers that take so many children, all at once."""
        grown = []
        for number in children:
            node = self.lab.add_node()
            recording = self.lab.capture(node) if capture else None
            peer = self.lab.relay(self.source.uri,
                                  self._configure(node, number), *arguments,
                                  node=node, wait=False)
            if recording:
                self.captures[peer] = recording
            grown.append(peer)
        for peer in grown:
            peer.wait_state("receiving")
        self.peers += grown
        return grown

    def _configure(self, node, children):
        path = os.path.join(self.lab.directory, f"node{node.number}.conf")
        with open(path, "w", encoding="utf-8") as config:
            # By turns: these trees are to have a shape, not the best one.
            config.write(f"[relay]\nmax-children={children}\n"
                         "add-policy=round-robin\n")
        return f"--config={path}"

    def set_children(self, relay, number):
        self._configure(relay.node, number)
        relay.signal(signal.SIGHUP)
        wait_for(f"{relay.name} has read its config again",
                 lambda: f"max-children is now {number}" in relay.output())

    def levels(self):
        return [peer.fresh_stats()["level"] for peer in self.peers]

    def received(self, peer, since=0.0):
        """From its parents; what it sends on is not among it."""
        return [packet for packet in self.captures[peer].received(since)
                if packet.destination in (peer.node.ipv4, peer.node.ipv6)]

    def check_identical(self, peers=None):
        """Everything the peers got is, byte by byte, what the source sent."""
        received = {peer: self.received(peer) for peer in peers or self.peers}
        # After it: what is received has been sent, and is to be on the list.
        time.sleep(0.3)
        sent = self.source_capture.sent()
        if odd := differing(sent, sent):
            raise Failure(f"the source sends {len(odd)} packets in two forms")
        for peer, got in received.items():
            if len(got) < 50:
                raise Failure(f"{peer.name} got only {len(got)} packets")
            if odd := differing(sent, got):
                raise Failure(f"{peer.name}: {len(odd)} of {len(got)} packets "
                              "are not what the source sent")

    def check_complete(self, peers=None, since=0.0):
        for peer in peers or self.peers:
            if gaps := missing(self.received(peer, since)):
                raise Failure(f"{peer.name}: packets missing: {gaps}")


def two_below_a_victim(lab, spare=False):
    """source -> victim -> two peers -> one peer each, and room for everybody
    once the victim is gone; `spare`: even before. Returns the tree and the
    victim."""
    tree = Tree(lab, 1)
    (victim,) = tree.grow(2)
    # Room for one more than there are only when all are there, or else two
    # could end up below the same, or below each other.
    children = tree.grow(1, 1)
    grandchildren = tree.grow(0, 0)
    for peer in children + grandchildren:
        tree.set_children(peer, 2)
    victim.wait_stats("all of the room below is known",
                      lambda stats: stats["subtree"]["free"] == 6)
    levels = tree.levels()
    parents = [peer.stats()["parent-id"] for peer in grandchildren]
    if levels != [1, 2, 2, 3, 3] or parents[0] == parents[1]:
        raise Failure(f"levels are {levels}, not [1, 2, 2, 3, 3], or {parents} "
                      "are the same")
    if spare:
        tree.set_children(tree.source, 3)
    return tree, victim


def crowd_below_a_victim(lab, number, publish="test"):
    """source -> victim -> so many peers -> one peer each. The source has room
    for all. Too many to record what they get."""
    batch = 10
    tree = Tree(lab, 1, publish)
    (victim,) = tree.grow(number, capture=False)
    for children in (1, 0):
        for begin in range(0, number, batch):
            tree.grow(*[children] * min(batch, number - begin), capture=False)
    levels = sorted(tree.levels())
    if levels != [1] + [2] * number + [3] * number:
        raise Failure(f"levels are {levels}")
    tree.set_children(tree.source, number + 1)
    return tree, victim


def wait_all_receive(peers, victim=None):
    """All of them get packets, now, and from somebody else than the victim."""
    gone = victim.stats()["id"] if victim else None
    before = {peer: peer.stats() for peer in peers}

    def receives(peer):
        stats = peer.stats()
        return (stats["state"] == "receiving" and
                stats["parent-id"] != gone and
                gone not in stats["root-path"] and
                stats["packets-received"] >
                before[peer]["packets-received"] + 20)

    for peer in peers:
        wait_for(f"{peer.name} does not receive again: {peer.stats()}\n"
                 f"{peer.output()}",
                 lambda peer=peer: peer.is_running() and receives(peer))
