#!/usr/bin/env python3
# The rules of the tree that a compiler does not know: which way includes point,
# what lies where, what no file may hold. Prints a line a breach.
#
#   tidy.py [ROOT]         check the project
#   tidy.py --self-test    check that each rule catches what it is for
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import re
import subprocess
import sys
import tempfile

C_SOURCES = (".c", ".cpp")
C_FILES = C_SOURCES + (".h", ".hpp")

# --- Which way includes point ------------------------------------------------
#
#     core <- rtsp <- agent <- manager <- C API <- plugins <- tools
#             media <-'          (media knows neither core nor rtsp)
#                                       C API <- http <- tools
#     (spreaditsrc, at run time) <- spreadit-rtsp-server <- tools/gateway

STANDARD = r"<[a-z_0-9]+>"  # C++ standard library: no suffix
SYSTEM = (r"<(sys|net|netinet|arpa|linux)/[^>]+>|"
          r"<(unistd|errno|fcntl|poll|sched|signal|time|netdb|ifaddrs)\.h>")
GLIB = r"<(glib|glib-object|glib-unix|gio/[^>]+)(\.h)?>|<glib[-/][^>]+\.h>"
GST = r"<gst/(?!spreadit/)[^>]+\.h>"
OUR_PUBLIC = r"<gst/spreadit/[^/>]+\.h>"
OUR_PUBLIC_QUOTED = r'"(gst)?spreadit[^/"]*\.h"'

# Folder of the including file -> what it may include; the first that fits.
LAYERS = [
    ("gst/spreadit/core/", [STANDARD, r'"core/.*"']),
    ("gst/spreadit/rtsp/", [
        STANDARD, r'"(core|rtsp|util)/.*"', r"<gst/(rtsp|sdp)/[^>]+>", GLIB,
        r"<arpa/inet\.h>"  # inet_pton() and nothing else
    ]),
    ("gst/spreadit/media/", [
        STANDARD, r'"(media|util)/.*"', GST, GLIB, SYSTEM
    ]),
    ("gst/spreadit/util/", [STANDARD, r'"util/.*"', GST, GLIB]),
    # TLS is nobody else's.
    ("gst/spreadit/agent/", [
        STANDARD, r'"(core|rtsp|media|agent|util)/.*"', GST, GLIB, SYSTEM,
        r"<gnutls/[^>]+\.h>"
    ]),
    ("gst/spreadit/manager/", [
        STANDARD, r'"(core|rtsp|media|agent|manager|util)/.*"', GST, GLIB,
        SYSTEM, r"<gst/spreadit/gstspreaditenums\.h>"
    ]),
    # What is served over HTTP knows the public API; libsoup is nobody else's.
    ("gst/spreadit/http/", [
        STANDARD, r'"http/[^/"]+"', r'"page-resources\.h"', GST, GLIB,
        OUR_PUBLIC, SYSTEM, r"<json-glib/json-glib\.h>",
        r"<libsoup/soup\.h>"
    ]),
    ("gst/spreadit/", [
        STANDARD, r'"(core|rtsp|agent|manager|util)/.*"', GST, GLIB, SYSTEM,
        OUR_PUBLIC, OUR_PUBLIC_QUOTED
    ]),
    # Joins by the element, so it has nothing of the library.
    ("gst/spreadit-rtsp-server/", [
        STANDARD, r'"[^/"]+"', r'"media/random_access\.hpp"', GST, GLIB,
        r"<gst/spreadit-rtsp-server/[^/>]+\.h>"
    ]),
    # What the elements load where they are to serve HTTP.
    ("plugins/spreadit-http/", [
        STANDARD, r'"http/(address|moves|owned|site|source)\.hpp"',
        r'"http_module\.h"', GST, GLIB, OUR_PUBLIC
    ]),
    # The detector of random access points is both's, and the standard
    # library's only.
    ("plugins/", [
        STANDARD, r'"[^/"]+"', r'"media/random_access\.hpp"', GST, GLIB,
        OUR_PUBLIC, SYSTEM, r"<dlfcn\.h>"
    ]),
    ("tools/sim/cli/", [
        STANDARD, r'"(core|sim)/.*"', GLIB, r"<json-glib/json-glib\.h>"
    ]),
    # Of the data path only how long it waits, so that its model cannot differ.
    ("tools/sim/", [
        STANDARD, r'"core/.*"', r'"sim/[^/"]+"', r'"media/limits\.hpp"'
    ]),
    ("tools/", [
        STANDARD, r'"[^/"]+"', r'"http/(address|json|moves|site)\.hpp"',
        r'"media/random_access\.hpp"', GST, GLIB, OUR_PUBLIC, SYSTEM,
        r"<json-glib/json-glib\.h>"
    ]),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"][^>"]+[>"])', re.MULTILINE)


def check_includes(path, text):
    if not path.endswith(C_FILES):
        return
    allowed = next((patterns for folder, patterns in LAYERS
                    if path.startswith(folder)), None)
    for included in INCLUDE.findall(text):
        if path.endswith(".h") and included[1:-1].endswith(".hpp"):
            yield f"a .h includes {included}; .h is C, .hpp is C++"
        elif allowed is not None and not any(
                re.fullmatch(pattern, included) for pattern in allowed):
            yield f"may not include {included}"


# --- What no file may hold ---------------------------------------------------

# Written so that this file does not hold them.
LEFT_OPEN = re.compile(r"\b(FIX" r"ME|TO" r"DO|XX" r"X)\b")
MACHINE_PATH = re.compile(r"(?<![\w.~$}])/(wo" r"rk|t" r"mp|ho" r"me|ro"
                          r"ot)/\w")
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|g_usleep|"
                   r"clock_nanosleep)\b")
# Where a sleep is not in the place of what a test waits for.
SLEEPS_ALLOWED = {
    "tests/media/support.hpp": "polls a condition, with a bound",
    "tests/media/data_path_test.cpp": "sends at the pace of a stream",
    "tests/media/threads_test.cpp": "sends at the pace of a stream",
    "tests/netlab/delay_switch.cpp": "takes in what comes meanwhile at once",
}
SPDX = "SPDX-License" "-Identifier: LGPL-2.1-or-later"


def check_words(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if found := LEFT_OPEN.search(line):
            yield f"line {number}: {found.group()}; do it or file an issue"
        if found := MACHINE_PATH.search(line):
            yield f"line {number}: {found.group()}... is a path of one machine"
        if (path.startswith("tests/") and path.endswith(C_FILES) and
                path not in SLEEPS_ALLOWED and
                (found := SLEEP.search(line))):
            yield f"line {number}: {found.group()}; wait for what happens"


def check_licence(path, text):
    is_source = (path.endswith(C_FILES + (".py", ".sh")) or
                 text.startswith("#!"))
    if is_source and SPDX not in text[:4000]:
        yield f"no line {SPDX}"


# --- What lies where ---------------------------------------------------------

REQUIRED = [
    "meson.build", "meson_options.txt", "gst", "plugins", "tests", "docs",
    "tools", "README.md", "LICENSE", "CHANGELOG", ".ci/run", "tools/demo",
    "tools/test"
]
# debian: dpkg-buildpackage looks nowhere else.
TOP_LEVEL = {name.split("/")[0] for name in REQUIRED} | {"debian"}


def check_layout(paths):
    tops = {path.split("/")[0] for path in paths}
    for top in sorted(tops - TOP_LEVEL):
        if not top.startswith("."):
            yield f"{top}: not at the top level; that is for " + ", ".join(
                sorted(TOP_LEVEL))
    for needed in REQUIRED:
        if needed not in paths and not any(
                path.startswith(needed + "/") for path in paths):
            yield f"{needed}: is missing"


def spellings(name):
    """Lists of tests have neither suffix nor ending, and dashes."""
    stem = name.rsplit(".", 1)[0]
    for one in (name, stem, re.sub("_(test|fuzz)$", "", stem)):
        yield one
        yield one.replace("_", "-")


def check_named(paths, read):
    """A source that no meson.build names is built by nobody."""
    for path in paths:
        is_test_script = path.startswith("tests/") and path.endswith(".py")
        if not path.endswith(C_SOURCES) and not is_test_script:
            continue
        if path.startswith("tests/experiments/"):
            continue  # for people, by hand
        parts = path.split("/")
        for depth in range(len(parts) - 1, -1, -1):
            build = "/".join(parts[:depth] + ["meson.build"])
            names = "|".join(map(re.escape, spellings("/".join(parts[depth:]))))
            if build in paths and re.search(f"'({names})'", read(build)):
                break
        else:
            yield f"{path}: no meson.build names it"


# --- All together ------------------------------------------------------------


def listed_by_git(root, git):
    """None where there is no repository, or no git to ask: an unpacked
    archive, a checkout that a container without git sees."""
    if not os.path.exists(os.path.join(root, ".git")):
        return None
    try:
        listed = subprocess.run(
            [git, "-c", f"safe.directory={root}", "-C", root, "ls-files",
             "-z", "--cached", "--others", "--exclude-standard"],
            stdout=subprocess.PIPE, check=True, text=True).stdout
    except FileNotFoundError:
        return None
    return listed.split("\0")[:-1]


def walked(root):
    return [
        os.path.relpath(os.path.join(folder, name), root)
        for folder, _folders, names in os.walk(root) for name in names
    ]


# Nobody wrote these. A worktree's .git is a file.
NOT_OURS = re.compile(r"build[^/]*/|\.cache/|\.git(/|$)|.*__pycache__/")


def list_files(root, git="git"):
    found = listed_by_git(root, git)
    if found is None:
        found = walked(root)
    return sorted(path for path in set(found)
                  if os.path.isfile(os.path.join(root, path)) and
                  not NOT_OURS.match(path))


def check(root):
    paths = list_files(root)
    texts = {}

    def read(path):
        if path not in texts:
            with open(os.path.join(root, path), "rb") as file:
                data = file.read()
            # A corpus or picture is no text.
            texts[path] = ("" if b"\0" in data[:8000] else
                           data.decode("utf-8", "replace"))
        return texts[path]

    yield from check_layout(paths)
    yield from check_named(paths, read)
    for path in paths:
        if "/corpus/" in path or path == "LICENSE":
            continue
        for rule in (check_includes, check_words, check_licence):
            for breach in rule(path, read(path)):
                yield f"{path}: {breach}"


# --- Each rule catches what it is for ----------------------------------------

LICENSED = f"// {SPDX}\n"
CLEAN_TREE = {
    "meson.build": "",
    "meson_options.txt": "",
    "README.md": "",
    "LICENSE": "",
    "CHANGELOG": "",
    ".ci/run": f"#!/bin/sh\n# {SPDX}\n",
    "docs/ARCHITECTURE.md": "",
    "tools/demo": f"#!/bin/sh\n# {SPDX}\n",
    "tools/test": f"#!/bin/sh\n# {SPDX}\n",
    "plugins/spreadit/meson.build": "'plugin.cpp'",
    "plugins/spreadit/plugin.cpp":
        LICENSED + '#include <gst/spreadit/spreadit.h>\n#include "own.hpp"\n',
    "gst/spreadit/meson.build": "'gstspreaditmanager.cpp'",
    "gst/spreadit/gstspreaditmanager.cpp":
        LICENSED + '#include "agent/agent.hpp"\n',
    "gst/spreadit/core/meson.build": "'peer.cpp'",
    "gst/spreadit/core/peer.cpp":
        LICENSED + '#include "core/peer.hpp"\n#include <vector>\n',
    "tests/meson.build": "",
    "tests/core/meson.build": "'peer_test.cpp'",
    "tests/core/peer_test.cpp": LICENSED + '#include "core/peer.hpp"\n',
    "tests/fuzz/corpus/x": "\0TO" "DO",
}

# What is changed in the clean tree, and the breach that must come of it, alone.
BREACHES = [
    ("gst/spreadit/core/peer.cpp", "#include <glib.h>",
     "may not include <glib.h>"),
    ("gst/spreadit/core/peer.cpp", "#include <sys/socket.h>",
     "may not include <sys/socket.h>"),
    ("gst/spreadit/core/peer.cpp", '#include "rtsp/codec.hpp"',
     'may not include "rtsp/codec.hpp"'),
    ("gst/spreadit/rtsp/codec.hpp", '#include "agent/agent.hpp"',
     'may not include "agent/agent.hpp"'),
    ("gst/spreadit/rtsp/codec.hpp", "#include <sys/socket.h>",
     "may not include <sys/socket.h>"),
    ("gst/spreadit/media/ring.hpp", '#include "core/vocabulary.hpp"',
     'may not include "core/vocabulary.hpp"'),
    ("gst/spreadit/media/ring.hpp", '#include "rtsp/codec.hpp"',
     'may not include "rtsp/codec.hpp"'),
    ("gst/spreadit/agent/agent.hpp",
     "#include <gst/spreadit/gstspreaditmanager.h>",
     "may not include <gst/spreadit/gstspreaditmanager.h>"),
    ("gst/spreadit/spreadit.h", '#include "agent/agent.hpp"',
     "a .h includes"),
    ("plugins/spreadit/plugin.cpp", '#include "agent/agent.hpp"',
     'may not include "agent/agent.hpp"'),
    ("plugins/spreadit/plugin.cpp", "#include <gst/spreadit/core/peer.hpp>",
     "may not include <gst/spreadit/core/peer.hpp>"),
    ("tools/main.hpp", "#include <gst/spreadit/agent/agent.hpp>",
     "may not include <gst/spreadit/agent/agent.hpp>"),
    ("tools/sim/world.hpp", "#include <gst/gst.h>",
     "may not include <gst/gst.h>"),
    ("tools/sim/world.hpp", "#include <glib.h>", "may not include <glib.h>"),
    ("tools/sim/world.hpp", '#include "media/ring.hpp"',
     'may not include "media/ring.hpp"'),
    ("tools/sim/cli/options.hpp", "#include <gst/gst.h>",
     "may not include <gst/gst.h>"),
    ("gst/spreadit/http/site.hpp", '#include "relay_options.hpp"',
     'may not include "relay_options.hpp"'),
    ("gst/spreadit/http/site.hpp", "#include <gst/spreadit/agent/agent.hpp>",
     "may not include <gst/spreadit/agent/agent.hpp>"),
    ("plugins/spreadit/plugin.cpp", "#include <libsoup/soup.h>",
     "may not include <libsoup/soup.h>"),
    ("plugins/spreadit/plugin.cpp", '#include "http/site.hpp"',
     'may not include "http/site.hpp"'),
    ("gst/spreadit/agent/agent.hpp", '#include "http/site.hpp"',
     'may not include "http/site.hpp"'),
    ("tools/main.hpp", "#include <libsoup/soup.h>",
     "may not include <libsoup/soup.h>"),
    ("gst/spreadit/manager/wishes.hpp", "#include <gnutls/gnutls.h>",
     "may not include <gnutls/gnutls.h>"),
    ("tools/main.hpp", '#include "http/events.hpp"',
     'may not include "http/events.hpp"'),
    ("tools/main.hpp", "// FIX" "ME later", "FIX" "ME"),
    ("docs/ARCHITECTURE.md", "TO" "DO: write", "TO" "DO"),
    ("tools/main.hpp", '"/wo' 'rk/main"', "path of one machine"),
    ("tests/core/peer_test.cpp", 'open ("/t' 'mp/x")', "path of one machine"),
    ("tests/core/peer_test.cpp", "std::this_thread::sleep_for (1s);",
     "sleep_for"),
    ("tests/core/peer_test.cpp", "g_usleep (1);", "g_usleep"),
    ("Makefile", "", "not at the top level"),
    ("src/main.hpp", "", "not at the top level"),
    ("tests/core/lost_test.cpp", "", "no meson.build names it"),
    ("tests/netlab/lost_test.py", "", "no meson.build names it"),
]


def write(root, path, text):
    whole = os.path.join(root, path)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    with open(whole, "a", encoding="utf-8") as file:
        file.write(text)


def breaches_of(changes, left_out=()):
    with tempfile.TemporaryDirectory() as root:
        for path, text in CLEAN_TREE.items():
            if path not in left_out:
                write(root, path, text)
        for path, text in changes:
            new = path not in CLEAN_TREE
            head = ""
            if new and path.endswith(C_FILES):
                head = LICENSED
            elif new and path.endswith(".py"):
                head = f"# {SPDX}\n"
            write(root, path, head + text + "\n")
        return list(check(root))


NOT_LISTED = [
    ".git/config", ".cache/x", "build/x.cpp", "build-tsan/x.cpp",
    "tests/tidy/__pycache__/x.pyc", "__pycache__/x.pyc"
]
LISTED = [".gitignore", "tests/build/x.cpp", "tools/builder"]


def without_git():
    """A repository is walked where git is not installed."""
    with tempfile.TemporaryDirectory() as root:
        for path in NOT_LISTED + LISTED:
            write(root, path, "")
        found = list_files(root, git=os.path.join(root, "no-such-git"))
    with tempfile.TemporaryDirectory() as root:
        for path in [".git"] + LISTED:  # as in a worktree
            write(root, path, "gitdir: elsewhere\n")
        in_worktree = list_files(root, git=os.path.join(root, "no-such-git"))
    for what, paths in (("repository", found), ("worktree", in_worktree)):
        if paths != LISTED:
            yield f"a {what} without git: found {paths}"


def self_test():
    wrong = [f"clean tree: {breach}" for breach in breaches_of([])]
    wrong += without_git()
    for path, text, expected in BREACHES:
        found = breaches_of([(path, text)])
        if len(found) != 1 or expected not in found[0] or (path.split("/")[0]
                                                           not in found[0]):
            wrong.append(f"{path} with {text!r}: found {found}")
    for path in REQUIRED:
        gone = [name for name in CLEAN_TREE
                if name == path or name.startswith(path + "/")]
        if f"{path}: is missing" not in breaches_of([], gone):
            wrong.append(f"without {path}: nothing found")
    for path in ("tools/main.hpp", "tools/run.py", "tools/run"):
        with tempfile.TemporaryDirectory() as root:
            for name, text in CLEAN_TREE.items():
                write(root, name, text)
            write(root, path, "#!/bin/sh\n" if path == "tools/run" else "")
            if not any("no line SPDX" in breach for breach in check(root)):
                wrong.append(f"{path} without licence: nothing found")
    return wrong


def main():
    if sys.argv[1:] == ["--self-test"]:
        wrong = self_test()
    else:
        here = os.path.dirname(os.path.abspath(__file__))
        root = sys.argv[1] if sys.argv[1:] else os.path.join(here, "..", "..")
        wrong = list(check(os.path.abspath(root)))
    for breach in wrong:
        print(breach)
    sys.exit(1 if wrong else 0)


main()
