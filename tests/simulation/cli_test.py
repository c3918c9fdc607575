#!/usr/bin/env python3
# The command line of gst-spreadit-sim: what it takes, writes and says.
#
#   cli_test.py PROGRAM
#
# SPDX-License-Identifier: LGPL-2.1-or-later
import csv
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop()
SMALL = ["--peers=200", "--duration=2min", "--stay=weibull:0.509,100",
         "--loss=0.01", "--uplink=lognormal:16,0.5", "--quiet"]


def run(*args):
    return subprocess.run([PROGRAM, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)


class CommandLine(unittest.TestCase):

    def test_the_same_seed_gives_the_same_bytes(self):
        args = SMALL + ["--add-policy=all", "--delete-policy=root,root-all"]
        first, second = run(*args, "--json=-"), run(*args, "--json=-")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(first.stdout, second.stdout)
        self.assertEqual(first.stderr, "")
        runs = json.loads(first.stdout)
        self.assertEqual(len(runs), 6 * 2)  # policies of each kind
        self.assertNotEqual(first.stdout, run(*args, "--seed=2",
                                              "--json=-").stdout)

    def test_a_report_is_a_page_and_its_data(self):
        with tempfile.TemporaryDirectory() as folder:
            report = os.path.join(folder, "new", "report")
            done = run(*SMALL, "--seeds=3", "--points=7", "--report", report)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(sorted(os.listdir(report)), [
                "index.html", "points.csv", "runs.csv", "runs.json"])

            def read(name):
                with open(os.path.join(report, name), encoding="utf-8") as file:
                    return file.read()
            runs = json.loads(read("runs.json"))
            rows = list(csv.DictReader(read("runs.csv").splitlines()))
            points = list(csv.DictReader(read("points.csv").splitlines()))
            page = read("index.html")
        self.assertEqual([run["scenario"]["seed"] for run in runs],
                         ["1", "2", "3"])
        for one, row in zip(runs, rows):
            for name, value in one["results"].items():
                if name in row:
                    self.assertAlmostEqual(float(row[name]), value, 9, name)
        self.assertEqual(len(points), 3 * 7)
        self.assertGreaterEqual(page.count("<figure>"), 8)
        self.assertNotIn("Policies compared", page)
        self.assertNotIn("http", page)
        self.assertNotIn("src=", page)

    def test_a_page_compares_policies_and_says_what_it_shows(self):
        with tempfile.TemporaryDirectory() as report:
            done = run(*SMALL, "--add-policy=all", "--delete-policy=all",
                       "--report", report)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(os.path.join(report, "index.html"),
                      encoding="utf-8") as file:
                page = file.read()
        self.assertGreaterEqual(page.count("<figure>"), 20)
        self.assertEqual(page.count("<figure>"), page.count("<figcaption>"))
        # As many bars as pairs in each plot, as many curves of different looks.
        plots = re.findall("<figure>.*?</figure>", page, re.S)
        for plot in plots:
            bars = plot.count("<rect")
            curves = re.findall('<polyline class="([^"]*)"', plot)
            if "None in any run" in plot:
                self.assertEqual(bars + len(curves), 0)
            else:
                self.assertIn(24, (bars, len(set(curves))), plot[:200])
        for value in re.findall(
                '(?:x|y|x1|x2|y1|y2|width|height|points)="([^"]*)"', page):
            self.assertRegex(value, "^[0-9., ]+$")

    def test_wrong_usage_is_one_line(self):
        for args, says in (
                (["--peers=many"], 'bad --peers "many"'),
                (["--peers=-1"], "--peers"), (["--loss=2"], "--loss"),
                (["--stay=sometimes"], "give a law"),
                (["--duration=5"], "give a time"), (["--duration=0s"], "no time"),
                (["--rtt=matrix:/no/such"], "cannot read --rtt"),
                (["--rtt=far"], "--rtt"), (["--arrivals=some"], "--arrivals"),
                (["--add-policy=best"], "knock-downs"),
                (["--children=uplink"], "--uplink"),
                (["--trace=/no/such"], "cannot read --trace"),
                (["--standby", "--no-standby"], "which of them"),
                (["--colour"], "--help"), (["more"], "not understood")):
            done = run(*args)
            self.assertEqual(done.returncode, 2, args)
            self.assertEqual(done.stdout, "", args)
            self.assertIn(says, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_ctrl_c_keeps_what_is_done(self):
        with subprocess.Popen(
                [PROGRAM, "--peers=100000", "--arrivals=flash:10min",
                 "--json=-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True) as process:
            # The first progress says that it runs.
            self.assertIn("%", process.stderr.readline())
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate()
        self.assertEqual(process.returncode, 130)
        (one,) = json.loads(out)
        self.assertEqual(one["interrupted"], 1)
        self.assertGreater(one["results"]["visitors"], 100)
        self.assertLess(one["results"]["visitors"], 100000)

    def test_a_trace_is_replayed(self):
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            file.write("join_s,leave_s,children_max\n1,50,2\n2,9,0\n3,4,1\n")
            file.flush()
            done = run("--trace", file.name, "--duration=1min", "--json=-",
                       "--quiet")
        (one,) = json.loads(done.stdout)
        self.assertEqual(one["results"]["visitors"], 3)
        self.assertEqual(one["scenario"]["trace-rows"], 3)

    def test_help_and_version(self):
        self.assertIn("--add-policy=LIST", run("--help").stdout)
        self.assertRegex(run("--version").stdout, r"^gst-spreadit-sim \d")


unittest.main()
