#!/usr/bin/env python3
# What an operator is given beside the programs fits them: manual pages have the
# options of --help, completion offers them, the unit and the sample config are
# taken by those who read them.
#
#   operator_test.py SOURCE_DIR RELAY SIMULATOR
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import os
import re
import shutil
import subprocess
import sys
import tempfile

failures = 0


def check(what, holds, why=""):
    global failures
    print(f"{'ok' if holds else 'FAILED'}: {what}" +
          ("" if holds or not why else f": {why}"))
    failures += not holds


def output(*command, **more):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, **more).stdout


def options_of_help(program):
    # The option columns; the text below them mentions some as well.
    return set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", output(program, "--help"),
                          re.M))


def options_of_manual(path):
    with open(path, encoding="utf-8") as page:
        text = page.read().replace("\\-", "-")
    return set(re.findall(r"^\.(?:B[IR]?|BR -h \", \") (--[a-z-]+)", text, re.M) +
               re.findall(r"^\.BR -h \", \" (--help)", text, re.M))


def manuals_have_the_options(source, programs):
    for program in programs:
        name = os.path.basename(program)
        wanted = options_of_help(program)
        written = options_of_manual(f"{source}/docs/man/{name}.1")
        check(f"{name}: --help names options", len(wanted) > 10, wanted)
        check(f"{name}: none is missing in the manual", not wanted - written,
              wanted - written)
        check(f"{name}: the manual has no other", not written - wanted,
              written - wanted)


def complete(source, program, line):
    script = f"""
      source /usr/share/bash-completion/bash_completion
      source {source}/tools/completions/gst-spreadit-relay
      compopt () {{ :; }}
      line={line!r}
      mapfile -t COMP_WORDS < <(grep -oE '[^ =]+|=' <<<"$line")
      [[ $line == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMP_LINE=$line
      COMP_POINT=${{#line}}
      _gst_spreadit_relay gst-spreadit-relay
      printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = os.path.dirname(program) + ":" + os.environ["PATH"]
    return set(output("bash", "-c", script,
                      env={**os.environ, "PATH": path}).split())


def completion_offers_them(source, relay):
    if not os.path.exists("/usr/share/bash-completion/bash_completion"):
        print("not tried: completion (package bash-completion)")
        return
    offered = {word.rstrip("=") for word in
               complete(source, relay, "gst-spreadit-relay --")}
    check("completion offers the options",
          options_of_help(relay) == offered,
          options_of_help(relay) ^ offered)
    policies = complete(source, relay, "gst-spreadit-relay --add-policy=r")
    check("and the policies", policies == {"random", "round-robin"}, policies)


def unit_is_sound(source, directory):
    if not shutil.which("systemd-analyze"):
        print("not tried: the unit (package systemd)")
        return
    with open(f"{source}/tools/systemd/gst-spreadit-relay@.service",
              encoding="utf-8") as template:
        text = template.read()
    # Something that exists: it is not installed here.
    text = re.sub(r"@bindir@/\S+", "/bin/true", text)
    text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)
    path = os.path.join(directory, "gst-spreadit-relay@.service")
    with open(path, "w", encoding="utf-8") as unit:
        unit.write(text)
    said = [line for line in
            output("systemd-analyze", "verify", path).split("\n")
            if "gst-spreadit-relay" in line]
    check("systemd finds nothing wrong with the unit", not said, said)


def sample_config_is_taken(source, relay):
    """It is no wrong usage (2): it fails for want of source.example (1)."""
    with open(f"{source}/tools/systemd/relay.conf", encoding="utf-8") as file:
        text = file.read()
    everything = re.sub(r"^#(?=\S)", "", text, flags=re.M)
    mistake = everything + "\nmax-childen=1\n"
    for what, config, status in (("as it is", text, 1),
                                 ("with all that is commented out",
                                  everything, 1),
                                 ("not with a mistake", mistake, 2)):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(config)
            file.flush()
            done = subprocess.run(
                [relay, f"--config={file.name}", "--stats=-",
                 "--listen=127.0.0.1:0"], text=True, timeout=60,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        check(f"the sample config can be used, {what}",
              done.returncode == status, done.stdout)


def main():
    source, relay, simulator = sys.argv[1:]
    manuals_have_the_options(source, (relay, simulator))
    completion_offers_them(source, relay)
    with tempfile.TemporaryDirectory() as directory:
        unit_is_sound(source, directory)
    sample_config_is_taken(source, relay)
    sys.exit(1 if failures else 0)


main()
