#!/usr/bin/env python3
# Between a peer and its parent no datagram gets through: it gets the stream over
# TCP, and its child over UDP from it. A parent that is frozen or killed is found
# and left as over UDP.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import signal

import netlab
from trees import Tree, wait_all_receive

ENOUGH = 200  # packets


def grow(lab):
    """source -> parent -> peer -> child; to the first two the peer has TCP
    only. The source has room for one more, and a child beside, so that what it
    sends is on record."""
    tree = Tree(lab, 2)
    (parent,) = tree.grow(1)
    tree.grow(0)
    node = lab.add_node()
    for other in (tree.source, parent):
        lab.block_udp(node, other.node)
    lab.unused.append(node)
    (peer,) = tree.grow(1)
    (child,) = tree.grow(0)
    tree.set_children(tree.source, 3)
    return tree, parent, peer, child


def check_transports(peer, child):
    for relay, transport in ((peer, "tcp"), (child, "udp")):
        stats = relay.fresh_stats()
        if stats["parent-transport"] != transport:
            raise netlab.Failure(f"{relay.name} is not over {transport}: "
                                 f"{stats}")


def check_stream(tree, peer, child):
    """What the peer passes on is what the source sent, and all of it."""
    received = len(tree.received(child))
    netlab.wait_for("packets come",
                    lambda: len(tree.received(child)) > received + ENOUGH)
    if got := tree.received(peer):
        raise netlab.Failure(f"{len(got)} packets got through by UDP")
    tree.check_identical([child])
    tree.check_complete([child])
    for relay in (peer, child):
        if lost := relay.fresh_stats()["packets-lost"]:
            raise netlab.Failure(f"{relay.name} lost {lost} packets")


def udp_is_blocked():
    with netlab.Lab() as lab:
        tree, parent, peer, child = grow(lab)
        check_transports(peer, child)
        (its_child,) = parent.stats()["children"]
        if its_child["transport"] != "tcp":
            raise netlab.Failure(f"the parent says {its_child}")
        check_stream(tree, peer, child)


def check_loss_of_parent(lose):
    with netlab.Lab() as lab:
        tree, parent, peer, child = grow(lab)
        check_stream(tree, peer, child)
        lose(parent)
        wait_all_receive([peer, child], parent)
        check_transports(peer, child)
        check_stream(tree, peer, child)
        print(f"  transience {peer.stats()['transience-ms']['last']:.0f} ms")


def the_parent_is_killed():
    check_loss_of_parent(lambda parent: parent.kill())


def the_parent_is_frozen():
    check_loss_of_parent(lambda parent: parent.signal(signal.SIGSTOP))


netlab.main([udp_is_blocked, the_parent_is_killed, the_parent_is_frozen])
