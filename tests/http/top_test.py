#!/usr/bin/env python3
# tools/spreadit-top against a live tree: a row for each peer, and one line when
# there is nothing to show.
#
#   top_test.py RELAY SPREADIT-TOP
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nodes import Tree, check, end, eventually, free_port, program, walk

TOP = sys.argv[2]


def top(*arguments):
    return subprocess.run([sys.executable, TOP, *arguments], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)


with Tree(program(), 4) as tree:
    done = top(tree.site.url, "--once")
    lines = done.stdout.split("\n")
    check("it ends with 0", done.returncode == 0 and not done.stderr,
          done.stderr)
    check("each peer has a row", all(
        any(address in line and "receiving" in line for line in lines)
        for address in tree.peers), done.stdout)
    check("below its parent", all(
        done.stdout.index(peer["address"]) > done.stdout.index(
            parent["address"])
        for peer, parent in walk(tree.site.tree()) if parent), done.stdout)
    check("and the source the first", "source" in lines[3] and
          "5 peers" in lines[0], done.stdout)
    check("how the worst fares is above", eventually(
        lambda: "; the worst loses 0 %, is " in top(
            tree.site.url, "--once").stdout.split("\n")[0]), lines[0])
    part = top(tree.site.netloc, "--once", "--depth=1")
    check("what is not told of is counted", "more, not told of" in part.stdout,
          part.stdout)
    some = next(iter(tree.peers))
    frozen = tree.peers.pop(some)
    frozen.kill(signal.SIGSTOP)
    check("who does not answer is stale", eventually(
        lambda: "stale" in top(tree.site.url, "--once").stdout or
        some not in top(tree.site.url, "--once").stdout))
    wrong = top(tree.site.url, "--once", "--peers=0")
    check("a wrong wish is said", wrong.returncode == 1 and
          wrong.stderr.count("\n") == 1 and "peers is a whole number"
          in wrong.stderr, wrong.stderr)
    frozen.kill()

for url in (f"http://127.0.0.1:{free_port()}", "http://nosuchhost.invalid"):
    done = top(url, "--once")
    check(f"nobody at {url}", done.returncode == 1 and
          done.stderr.startswith(f"tools/spreadit-top: nothing to read at "
                                 f"{url}") and done.stderr.count("\n") == 1,
          done.stderr)
check("no http", top("ftp://x").returncode == 2)
end()
