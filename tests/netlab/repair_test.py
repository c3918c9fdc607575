#!/usr/bin/env python3
# Links that lose packets lose nothing for those below.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import time

import netlab
from trees import Tree


def chain(lab, levels, loss):
    """source -> 1 -> 2 ..., each link as lossy, both ways, for media only: the
    join is not what is tested here."""
    lab.prepare(levels + 1, 5)
    tree = Tree(lab, 1)
    for _ in range(levels):
        tree.grow(1)
    nodes = [tree.source.node] + [peer.node for peer in tree.peers]
    for a, b in zip(nodes, nodes[1:]):
        lab.switch.set_loss(a, b, loss)
        lab.switch.set_loss(b, a, loss)
    return tree, nodes


def figure(peer, name):
    return peer.stats()[name]


def lost_packets_are_sent_again():
    with netlab.Lab(delay=True) as lab:
        tree, nodes = chain(lab, 3, 0.03)
        began = time.monotonic()
        for peer in tree.peers:
            peer.wait_stats("packets are repaired",
                            lambda stats: stats["packets-repaired"] >= 20)
        for a, b in zip(nodes, nodes[1:]):
            lab.switch.set_loss(a, b, 0)
            lab.switch.set_loss(b, a, 0)
        last = [peer.fresh_stats()["packets-received"] for peer in tree.peers]
        for peer, before in zip(tree.peers, last):
            peer.wait_stats("the stream goes on", lambda stats, n=before:
                            stats["packets-received"] > n + 100)
        time.sleep(1.2)  # what is still missing then counts as lost
        for peer in tree.peers:
            lost = peer.fresh_stats()["packets-lost"]
            if lost:
                raise netlab.Failure(f"{peer.name}: {lost} packets lost")
        tree.check_complete(since=began)
        tree.check_identical()


def one_loss_makes_one_repair():
    """Lost on the first link, a packet is asked for there and nowhere else."""
    with netlab.Lab(delay=True) as lab:
        tree, nodes = chain(lab, 3, 0)
        lab.switch.set_loss(nodes[0], nodes[1], 0.05)
        first, *below = tree.peers
        first.wait_stats("packets are repaired",
                         lambda stats: stats["packets-repaired"] >= 50)
        lab.switch.set_loss(nodes[0], nodes[1], 0)
        asked = first.fresh_stats()["repairs-asked"]
        for peer in below:
            if peer.fresh_stats()["repairs-asked"] > asked / 10:
                raise netlab.Failure(
                    f"{peer.name} has asked for {peer.stats()['repairs-asked']}"
                    f" packets, the one that lost them for {asked}")


def without_repair_they_are_lost():
    """The same links without it: the test above does test something."""
    with netlab.Lab(delay=True) as lab:
        lab.prepare(2, 5)
        tree = Tree(lab, 1, arguments=["--repair-share=0"])
        (peer,) = tree.grow(0, arguments=["--repair-share=0"])
        lab.switch.set_loss(tree.source.node, peer.node, 0.03)
        peer.wait_stats("packets are lost",
                        lambda stats: stats["packets-lost"] >= 20)
        if peer.stats()["packets-repaired"] or peer.stats()["repairs-asked"]:
            raise netlab.Failure("they have been asked for")


netlab.main([lost_packets_are_sent_again, one_loss_makes_one_repair,
             without_repair_they_are_lost])
