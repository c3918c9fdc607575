# What several experiments share: quantiles, when packets were first seen, ways to
# lose a peer, and a Python that has GStreamer.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netlab"))
import netlab  # noqa: E402


def percentile(values, percent):
    """None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def first_times(packets, began=float("-inf"), ended=float("inf")):
    """Of each packet that was seen in this time, when it was, first in it."""
    times = {}
    for packet in packets:
        if began <= packet.time < ended:
            times.setdefault(packet.key, packet.time)
    return times


def lose(how, lab, victim):
    if how == "kill":
        victim.kill()
    elif how == "freeze":
        victim.signal(signal.SIGSTOP)
    elif how == "cut":
        lab.cut(victim.node)
    else:
        victim.signal(signal.SIGTERM)


def python_with_gstreamer():
    """The first python3 may not be the one that has PyGObject."""
    for python in (sys.executable, "/usr/bin/python3"):
        done = netlab.run(python, "-c", "import gi; "
                          "gi.require_version('Gst', '1.0')", check=False)
        if not done.returncode:
            return python
    netlab.skip("no Python bindings of GStreamer (package python3-gi)")
