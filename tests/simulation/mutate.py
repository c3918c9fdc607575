#!/usr/bin/env python3
# A copy of a source file that is wrong in one place: OLD becomes NEW. Fails if
# OLD is not there exactly once, so that no mutant is silently the original.
#
#   mutate.py INPUT OUTPUT OLD NEW
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import sys

source, output, old, new = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    text = file.read()
if text.count(old) != 1:
    sys.exit(f"{source}: \"{old}\" is there {text.count(old)} times, not once")
with open(output, "w", encoding="utf-8") as file:
    file.write(text.replace(old, new))
