#!/usr/bin/env python3
# How the stream fares far down the tree is known at the source, without asking
# anybody.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import json
import re
import socket

import netlab
from trees import Tree

HOP_MS = 5
FAR_MS = 100


def ask(node, port, path):
    """The body of what HTTP on that node's loopback answers."""
    with node.socket(lambda: socket.create_connection(
            ("127.0.0.1", port), 10)) as link:
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
                     "Connection: close\r\n\r\n".encode())
        answer = b""
        while piece := link.recv(65536):
            answer += piece
    head, _end, body = answer.partition(b"\r\n\r\n")
    if b" 200 OK" not in head.split(b"\r\n")[0]:
        raise netlab.Failure(f"{path}: {head}")
    return body.decode()


def a_lossy_link_three_levels_down():
    """source -> 1 -> 2 -> 3, and what comes to 3 is late and lossy. Nothing is
    repaired, or there would be no loss."""
    with netlab.Lab(delay=True) as lab:
        lab.prepare(4, HOP_MS)
        tree = Tree(lab, 1, arguments=["--repair-share=0", "--http=8080"])
        for children in (1, 1, 0):
            tree.grow(children, arguments=["--repair-share=0"])
        if tree.levels() != [1, 2, 3]:
            raise netlab.Failure(f"levels are {tree.levels()}")
        above, far = tree.peers[1].node, tree.peers[2].node
        lab.switch.set_delay(above, far, FAR_MS)

        # Each level adds a heart-beat, the figures themselves are of 10 s.
        def subtree(what, condition):
            return tree.source.wait_stats(
                what, lambda stats: condition(stats["subtree"]))["subtree"]
        whole = subtree("all peers measure", lambda told:
                        told["measured"] == 3 and
                        told.get("worst-delay-ms", 0) > FAR_MS)
        if whole["worst-lost-fraction"] != 0:
            raise netlab.Failure(f"loss out of nothing: {whole}")
        if not (whole["mean-delay-ms"] < whole["worst-delay-ms"] <
                5 * FAR_MS):
            raise netlab.Failure(f"the delay is {whole}")

        lab.switch.set_loss(above, far, 0.1)
        whole = subtree("the loss is known", lambda told:
                        told["worst-lost-fraction"] > 0.05)
        # It is that of the one of three that has it.
        if not 0.01 < whole["mean-lost-fraction"] < 0.6 * whole[
                "worst-lost-fraction"]:
            raise netlab.Failure(f"the mean is not of one in three: {whole}")
        if tree.source.stats()["packets-lost"] or tree.peers[0].stats()[
                "packets-lost"]:
            raise netlab.Failure("it is lost elsewhere")
        node = json.loads(ask(tree.source.node, 8080, "/api/v1/node"))
        if node["streams"][0]["subtree"]["worst-lost-fraction"] < 0.05:
            raise netlab.Failure(f"HTTP knows nothing of it: {node}")
        metrics = ask(tree.source.node, 8080, "/metrics")
        ratio = re.search(r"^spreadit_tree_lost_ratio_max\{.*\} (\S+)$",
                          metrics, re.MULTILINE)
        if not ratio or float(ratio.group(1)) < 0.05:
            raise netlab.Failure(f"Prometheus is not told: {metrics}")

        lab.switch.set_loss(above, far, 0)
        subtree("all is well again",
                lambda told: told["worst-lost-fraction"] == 0)


netlab.main([a_lossy_link_three_levels_down])
