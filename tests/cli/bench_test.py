#!/usr/bin/env python3
"""`hearth bench` on a tiny model, alone and in turns with mocks of llama.cpp: bench_test.py PATH_TO_HEARTH"""
import csv
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

HEARTH = os.path.abspath(sys.argv.pop(1))
DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
FAKE_PEER, FAKE_BENCH = DATA / "lab/fake_peer.py", DATA / "lab/llama-bench"
SVG = "{http://www.w3.org/2000/svg}"


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.model = cls.folder.name + "/tiny.gguf"
        subprocess.run([HEARTH, "convert", DATA / "models/llama", cls.model], check=True, capture_output=True)

    def start(self, *arguments, **environment):
        return subprocess.Popen([HEARTH, "bench", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})

    def bench(self, *arguments, **environment):
        running = self.start(*arguments, **environment)
        stdout, stderr = running.communicate()
        self.assertEqual(running.returncode, 0, stderr)
        return stdout, stderr

    def test_lists_give_a_row_a_combination(self):
        stdout, _ = self.bench("-p", "1,8", "-n", "2", "-d", "0,40", "-b", "1,3", "-t", "1,2", "-r", "2", self.model, "--json")
        rows = json.loads(stdout)["rows"]
        work = [(row["threads"], row["depth"], row["work"], row["tokens"], row["sequences"]) for row in rows]
        self.assertEqual(work, [(threads, depth, *rest) for threads in (1, 2) for depth in (0, 40) for rest in
                                (("prompt", 1, 1), ("prompt", 8, 1), ("generate", 2, 1), ("generate", 2, 3))])
        for row in rows:
            rate = row["tokens_per_s"]
            self.assertEqual(len(rate["samples"]), 2)
            self.assertLessEqual(rate["least"], rate["median"])
            self.assertGreater(row["of_read_bandwidth"], 0)

    def test_json_keeps_the_fields_of_one_prompt_and_one_generation(self):
        json_out = json.loads(self.bench(self.model, "-p", "8", "-n", "4", "-t", "2", "-r", "3", "--json")[0])
        self.assertEqual((json_out["prompt_tokens"], json_out["generated_tokens"], json_out["threads"]), (8, 4, 2))
        self.assertEqual(len(json_out["samples"]), 3)
        for name in ("prompt_tokens_per_s", "generation_tokens_per_s"):
            self.assertEqual(json_out[name], sorted(sample[name] for sample in json_out["samples"])[1])

    def test_a_race_has_both_engines_and_their_ratio(self):
        arguments = [self.model, "-p", "8", "-n", "2", "-b", "1,2", "-t", "2", "-r", "2", "--vs", "llama.cpp", "--peer", FAKE_PEER]
        rows = list(csv.DictReader(io.StringIO(self.bench(*arguments, "--csv")[0])))
        self.assertEqual([row["peer"] for row in rows], ["fake 1"] * 3)
        # The mock "takes" its tokens + 1e6 a sequence + 1e9 a thread seconds.
        self.assertAlmostEqual(float(rows[0]["peer_tokens_per_s"]), 8 / 2001000008, delta=1e-13)
        self.assertAlmostEqual(float(rows[2]["peer_tokens_per_s"]), 4 / 2002000002, delta=1e-13)
        self.assertGreater(float(rows[0]["ratio_least"]), 1)
        table, _ = self.bench(*arguments)
        self.assertIn("in turns with fake 1", table)
        self.assertEqual(table.splitlines()[-4].split()[-4:], ["llama.cpp", "least..most", "ratio", "least..most"])

    def test_a_peer_that_fails_costs_its_figures_alone(self):
        for how, word in (("dies", "out of patience"), ("hangs", "no answer in 0.5 s"), ("prints garbage", "it answered")):
            stdout, stderr = self.bench(self.model, "-p", "8", "-n", "0", "-r", "1", "--json", "--vs", "llama.cpp", "--peer", FAKE_PEER,
                                        "--peer-timeout", "0.5", FAKE_PEER=how)
            row, = json.loads(stdout)["rows"]
            self.assertIn(word, row["peer"]["error"])
            self.assertGreater(row["tokens_per_s"]["median"], 0)
            self.assertIn(word, stderr)

    def test_llama_bench_races_what_it_can(self):
        stdout, stderr = self.bench(self.model, "-p", "8", "-n", "2", "-b", "1,2", "-r", "1", "--json", "--vs", "llama.cpp", "--peer", FAKE_BENCH)
        out = json.loads(stdout)
        self.assertEqual(out["peer"], "llama-bench abc123")
        self.assertEqual([row["peer"].get("tokens_per_s", {}).get("median") for row in out["rows"]], [2, 0.5, None])
        self.assertIn("llama-bench cannot generate several sequences together", stderr)

    def test_no_peer_is_an_error_before_anything_is_measured(self):
        running = self.start(self.model, "--vs", "llama.cpp", "--peer", "/nowhere/python")
        stdout, stderr = running.communicate()
        self.assertEqual((running.returncode, stdout), (1, ""))
        self.assertIn("cannot start /nowhere/python: No such file", stderr)

    def test_a_plot_has_the_bars_of_both(self):
        path = self.folder.name + "/plot.svg"
        self.bench(self.model, "-p", "8", "-n", "2", "-r", "1", "--vs", "llama.cpp", "--peer", FAKE_PEER, "--plot", path)
        root = xml.etree.ElementTree.parse(path).getroot()
        self.assertEqual(root.tag, SVG + "svg")
        words = [element.text for element in root.iter(SVG + "text")]
        for word in ("prompt 8", "generate 2", "Hearth", "llama.cpp (fake 1)"):
            self.assertIn(word, words)
        self.assertEqual(len(list(root.iter(SVG + "rect"))), 1 + 2 + 4)  # ground, legend, bars

    def test_a_plot_that_cannot_be_written_costs_no_measuring(self):
        running = self.start(self.model, "--plot", "/nowhere/plot.svg")
        stdout, stderr = running.communicate()
        self.assertEqual((running.returncode, stdout), (1, ""))
        self.assertIn("/nowhere", stderr)

    def test_ctrl_c_ends_with_what_was_measured_and_the_peer(self):
        mark = pathlib.Path(self.folder.name) / "mark"
        running = self.start(self.model, "-p", "8", "-n", "2", "-r", "2", "--json", "--vs", "llama.cpp", "--peer", FAKE_PEER,
                             FAKE_PEER="hangs at generation", FAKE_PEER_MARK=str(mark))
        while not mark.exists():
            self.assertIsNone(running.poll(), "ended before the peer hung")
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate()
        self.assertEqual(running.returncode, 130, stderr)
        self.assertTrue(stderr.endswith("hearth: stopped by Ctrl-C\n"), stderr)
        row, = json.loads(stdout)["rows"]
        self.assertEqual((row["work"], len(row["peer"]["ratio"]["samples"])), ("prompt", 2))
        with self.assertRaises(ProcessLookupError):
            os.kill(int(mark.read_text()), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
