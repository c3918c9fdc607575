# Programs that are not ours, but load what is; see tests/meson.build.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os


def why_not():
    """Why none of them can; empty if they can."""
    return os.environ.get("SPREADIT_WHY_NO_PRELOAD", "")


def environment():
    """What they have to be started with."""
    taken_along = dict(os.environ)
    if preload := os.environ.get("SPREADIT_PRELOAD"):
        taken_along["LD_PRELOAD"] = preload
        # What they leave behind when they end is not ours to look at.
        taken_along["ASAN_OPTIONS"] = (
            os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
    return taken_along
