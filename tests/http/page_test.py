#!/usr/bin/env python3
# The page in a headless Chromium, as a person meets it: it shows the tree, a
# killed peer disappears and its children move, the keyboard walks it, the
# picture moves; it says so when nothing comes any more, and is there again
# with the node. Skipped where there is no browser.
#
#   page_test.py RELAY [--pictures FOLDER]     also with 60 and 1,000 peers
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser
from nodes import (HOST, Relay, Tree, check, end, eventually, free_port,
                   program, skip, walk)

if browser.why_not():
    skip(browser.why_not())
PICTURES = sys.argv[3] if sys.argv[2:3] == ["--pictures"] else None

PEERS = "document.querySelectorAll('#tree .peer').length"
LINK = "document.querySelector('#link').dataset.state"
NEWS = "document.querySelector('#news').textContent"


def label(address):
    return ("[...document.querySelectorAll('#tree .peer')].find((peer) => "
            f"peer.getAttribute('aria-label').startsWith('{address},'))")


def picture(page, name):
    if PICTURES:
        time.sleep(8)  # for the charts to show something
        page.picture(os.path.join(PICTURES, f"{name}.png"))


def shows_the_tree(page, tree):
    page.open(tree.site.url)
    check("the page shows seven peers",
          page.wait(f"{PEERS} === 7 && {LINK} === 'live'"),
          page.run("document.body.innerText"))
    check("each with its level", all(page.wait(
        f"{label(peer['address'])}?.getAttribute('aria-level') === "
        f"'{peer['level'] + 1}'", 5)
        for peer, _ in walk(tree.site.tree())))
    check("and the figures", page.wait(
        "document.querySelector('#f-peers').textContent === '7' && "
        "document.querySelector('#f-out').textContent.endsWith('bit/s') && "
        "document.querySelector('#f-loss').textContent.endsWith('%') && "
        "document.querySelector('#f-worst-delay').textContent.endsWith('ms')"))
    check("charts are drawn", page.wait(
        "[...document.querySelectorAll('#charts svg')].every((chart) => "
        "chart.querySelector('polyline').getAttribute('points'))"))
    picture(page, "page-7")


def a_peer_is_killed(page, tree):
    victim, _ = next((peer, parent) for peer, parent in
                     walk(tree.site.tree()) if peer["level"] == 1 and
                     peer["feeds"])
    orphan = victim["children"][0]["address"]
    relay = tree.peers.pop(victim["address"])
    relay.kill()
    check("a killed peer disappears",
          page.wait(f"!{label(victim['address'])} && {PEERS} === 6", 20),
          page.run(NEWS))
    check("its child has moved", page.wait(
        f"{label(orphan)} && {NEWS}.includes('{orphan} moved from "
        f"{victim['address']}')", 20), page.run(NEWS))
    tree.add_peer()
    check("a newcomer appears", page.wait(f"{PEERS} === 7", 20))


def nobody_connects_to_it(page, tree):
    """Its parent dials back, and finds nobody."""
    wrong = f"{HOST}:{free_port()}"
    real = tree.add_peer(f"--advertise={wrong}")
    mark = f"{label(wrong)}?.classList.contains('unreachable')"
    check("who cannot be connected to is marked", page.wait(mark, 20))
    check("nobody else is", page.run(
        "document.querySelectorAll('#tree .unreachable').length") == 1)
    page.run(f"{label(wrong)}.dispatchEvent(new MouseEvent('click', "
             "{bubbles: true}))")
    check("and it is said what to see to", page.wait(
        "document.querySelector('#peer').textContent.includes('--advertise')",
        5), page.run("document.querySelector('#peer').textContent"))
    picture(page, "page-unreachable")
    tree.peers.pop(real).kill()
    # Sums come up the tree, later than who is there.
    check("it is gone, and counted no more", page.wait(
        f"{PEERS} === 7 && "
        "document.querySelector('#f-peers').textContent === '7'", 20))


def by_the_keyboard(page, tree):
    chosen = ("document.querySelector('#tree .chosen')"
              "?.getAttribute('aria-label') ?? ''")
    page.run("document.querySelector('#tree').focus()")
    page.press("Home")
    check("Home is the source", tree.uri.split("/")[2] in page.run(chosen))
    page.press("ArrowRight")
    first = page.run(chosen)
    check("right is its first child", "level 1," in first, first)
    page.press("ArrowLeft")
    page.press("ArrowLeft")
    check("left folds", "level 1," in first and
          page.wait(f"{PEERS} < 7", 5))
    page.press("Home")
    page.press("ArrowLeft")
    check("all of it", page.wait(f"{PEERS} === 1", 5))
    check("and says what is folded", page.run(
        "document.querySelector('#tree .peer').getAttribute('aria-expanded')")
        == "false" and "6 below it folded" in page.run(chosen))
    page.press("Enter")
    page.run("document.querySelector('#unfold').click()")
    check("Enter unfolds", page.wait(f"{PEERS} === 7", 5))
    check("the peer's figures are beside it", page.run(
        "document.querySelector('#peer').textContent.includes('Level')"))


def in_the_dark(page, _tree):
    ground = "getComputedStyle(document.body).backgroundColor"
    page.colours("light")
    light = page.run(ground)
    page.colours("dark")
    dark = page.run(ground)
    check("dark is dark", light != dark, f"{light} {dark}")
    picture(page, "page-dark")
    page.colours("light")
    page.run("document.querySelector('#theme').click();"
             "document.querySelector('#theme').click()")
    check("and can be chosen", page.run(ground) == dark)
    page.run("document.querySelector('#theme').click()")


def plays(page):
    page.run("document.querySelector('#play').click()")
    time_of = "document.querySelector('#video').currentTime"
    if not check("the picture comes", page.wait(
            "document.querySelector('#video').videoWidth > 0 && "
            "document.querySelector('#watch-state').textContent === 'live'",
            40), page.run("document.querySelector('#watch').innerText")):
        return
    began = page.run(time_of)
    check("and moves", page.wait(f"{time_of} > {began} + 2", 15),
          f"{began} {page.run(time_of)}")


def watches(page, tree):
    plays(page)
    page.run("document.querySelector('#watch').scrollIntoView()")
    picture(page, "page-watch")
    page.run("window.scrollTo(0, 0);document.querySelector('#play').click()")
    check("stopping it leaves the tree", eventually(
        lambda: len(list(walk(tree.site.tree()))) == 7, 30))


def watches_other_codecs(page):
    with Tree(program(), 1, publish="videotestsrc is-live=true ! vp8enc "
              "deadline=1 keyframe-max-dist=50 audiotestsrc is-live=true ! "
              "audioconvert ! audioresample ! opusenc") as tree:
        page.open(tree.site.url)
        page.wait(f"{PEERS} === 2")
        plays(page)
    with Tree(program(), 0, publish="videotestsrc is-live=true ! "
              "x265enc tune=zerolatency ! h265parse") as tree:
        page.open(tree.site.url)
        page.wait(f"{PEERS} === 1")
        status, _headers, body = eventually(lambda: (
            lambda answer: answer[0] != 503 and answer)(
                tree.site.get("/watch")))
        check("what no browser plays is a 415", status == 415, body)
        page.run("document.querySelector('#play').click()")
        check("and said", page.wait(
            "document.querySelector('#watch-state').textContent"
            ".startsWith('no browser plays H265')"),
            page.run("document.querySelector('#watch').innerText"))


def is_told_when_nothing_comes(page, tree):
    tree.source.kill(signal.SIGSTOP)
    check("a frozen node is stale",
          page.wait(f"{LINK} === 'stale'", 20), page.run(LINK))
    tree.source.process.send_signal(signal.SIGCONT)
    check("and live again", page.wait(f"{LINK} === 'live'", 30))
    port = tree.site.port
    tree.source.kill()
    check("a node that is gone is disconnected", page.wait(
        f"{LINK} === 'lost' && document.body.classList.contains('old')", 20))
    with Relay(tree.program, "--publish=test", f"--http={port}", tree.uri):
        check("the page comes back with it",
              page.wait(f"{LINK} === 'live' && {PEERS} > 0", 40))


def grows(page, size):
    """60 real peers; 1,000 by the words of three of them."""
    if size <= 100:
        with Tree(program(), size, max_children=3, peer_children=3) as tree:
            page.open(tree.site.url)
            check(f"{size} peers are drawn",
                  page.wait(f"{PEERS} === {size + 1}", 30), page.run(PEERS))
            picture(page, f"page-{size}")
        return
    from crowd import Crowd
    with Tree(program(), 0, max_children=3) as tree:
        # None of them takes packets, so nobody may think that they are there
        # for the stream; what they say of themselves is what is looked at.
        crowd = [Crowd(tree.port, size // 3, seed, 1 + seed * 100000)
                 for seed in range(3)]
        page.open(tree.site.url)
        count = "+document.querySelector('#f-peers').textContent"
        check(f"{size} peers are counted",
              page.wait(f"{count} >= {size - 2}", 30), page.run(count))
        figures = {"f-loss": "32 %", "f-mean-loss": "0.060 %",
                   "f-worst-delay": "3200 ms", "f-delay": "70 ms"}
        shown = {name: f"document.querySelector('#{name}').textContent"
                 for name in figures}
        check("the figures are of all of them, not of those told of",
              all(page.wait(f"{shown[name]} === '{figure}'", 20)
                  for name, figure in figures.items()),
              {name: page.run(text) for name, text in shown.items()})
        check("as many are drawn as can be taken in",
              page.wait(f"{PEERS} > 30 && {PEERS} <= 100"), page.run(PEERS))
        picture(page, f"page-{size}")
        folded = ("[...document.querySelectorAll('#tree .peer')].find((peer) "
                  "=> peer.getAttribute('aria-expanded') === 'false')")
        before = page.run(PEERS)
        page.run(f"{folded}.dispatchEvent(new MouseEvent('click', "
                 "{bubbles: true}))")
        check("a folded branch unfolds",
              page.wait(f"{PEERS} > {before}", 15), page.run(PEERS))
        for one in crowd:
            one.close()


with browser.Browser(1280, 940) as window:
    with Tree(program(), 6) as small:
        for part in (shows_the_tree, a_peer_is_killed, nobody_connects_to_it,
                     by_the_keyboard, in_the_dark, watches,
                     is_told_when_nothing_comes):
            print(f"--- {part.__name__}", flush=True)
            part(window, small)
    check("nothing was asked for from elsewhere", not window.refused,
          window.refused)
    # What Chromium says when the node is gone is what that part wanted.
    wrong = [one for one in window.problems
             if "ERR_CONNECTION_REFUSED" not in one
             and "ERR_CONNECTION_RESET" not in one
             and "ERR_EMPTY_RESPONSE" not in one]
    check("the page has no complaint", not wrong, "\n".join(wrong))
    watches_other_codecs(window)
    grows(window, 1000)
    if PICTURES:
        grows(window, 60)
end()
