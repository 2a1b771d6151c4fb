#!/usr/bin/env python3
"""`hearth profile` on tiny models: profile_test.py PATH_TO_HEARTH"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HEARTH = os.path.abspath(sys.argv.pop(1))
DATA = pathlib.Path(__file__).resolve().parents[1] / "data"


class Profile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.model, cls.moe = (cls.convert(name) for name in ("llama", "qwen3moe"))

    @classmethod
    def convert(cls, name):
        path = f"{cls.folder.name}/{name}.gguf"
        subprocess.run([HEARTH, "convert", DATA / "models" / name, path], check=True, capture_output=True)
        return path

    def run_profile(self, *arguments):
        return subprocess.run([HEARTH, "profile", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def profile(self, *arguments):
        done = self.run_profile(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def profiles(self, *arguments):
        return json.loads(self.profile(*arguments, "-r", "1", "--json"))["profiles"]

    def test_json_has_the_limits_and_lines_that_sum_to_the_step(self):
        report = json.loads(self.profile(self.model, "-p", "8", "-t", "2", "-r", "1", "--json"))
        self.assertEqual((report["model"], report["threads"]), (self.model, 2))
        self.assertGreater(report["read_bandwidth_bytes_per_s"], 0)
        step, = report["profiles"]
        self.assertEqual((step["work"], step["tokens"], step["sequences"], step["depth"], step["steps"]), ("prompt", 8, 1, 0, 1))
        for name in ("seconds", "waited_seconds", "bytes", "macs", "of_step"):
            total = step["total"][name]
            self.assertAlmostEqual(sum(line[name] for line in step["lines"]), total, delta=1e-9 * max(total, 1))
        self.assertAlmostEqual(step["total"]["of_step"], 1)
        self.assertEqual(step["total"]["seconds"], step["seconds"])
        self.assertGreater(step["unprofiled_seconds"], 0)
        # Two layers of gate and up, 32 x 64 each.
        gated, = (line for line in step["lines"] if line["operation"] == "gated")
        self.assertEqual((gated["weights"], gated["ops"], gated["macs"]), ("ffn_gate, ffn_up", 2, 8 * 2 * 2 * 32 * 64))
        self.assertAlmostEqual(gated["macs_per_s"], gated["macs"] / gated["seconds"])
        self.assertNotIn("of_bound", step["total"])  # nothing says how fast the products of attention might be
        embed, = (line for line in step["lines"] if line["operation"] == "embed")
        self.assertEqual(embed["bound"], "reading")
        self.assertAlmostEqual(embed["of_bound"], embed["bytes"] / report["read_bandwidth_bytes_per_s"] / embed["seconds"])

    def test_lists_give_a_profile_a_combination_and_one_of_p_and_n_rules_the_other_out(self):
        def works(*arguments):
            return [(one["work"], one["tokens"], one["depth"], one["sequences"]) for one in self.profiles(self.model, *arguments)]
        self.assertEqual(works("-p", "4", "-n", "2"), [("prompt", 4, 0, 1), ("generate", 2, 0, 1)])
        self.assertEqual(works("-p", "4", "-d", "0,9"), [("prompt", 4, 0, 1), ("prompt", 4, 9, 1)])
        self.assertEqual(works("-n", "2", "-b", "1,3", "-d", "5"), [("generate", 2, 5, 1), ("generate", 2, 5, 3)])

    def test_each_operation_has_a_line_with_its_tensors_where_asked(self):
        step, = self.profiles(self.moe, "-n", "2", "--per-op")
        experts = [line["weights"] for line in step["lines"] if line["operation"] == "experts"]
        self.assertEqual(experts[0], ", ".join(f"blk.0.ffn_{name}.weight" for name in ("gate_inp", "gate_exps", "up_exps", "down_exps")))
        self.assertEqual([line["ops"] for line in step["lines"]], [1] * len(step["lines"]))
        of_kinds, = self.profiles(self.moe, "-n", "2")
        self.assertAlmostEqual(of_kinds["total"]["bound_seconds"], sum(line.get("bound_seconds", 0) for line in of_kinds["lines"]))
        self.assertEqual(sum(line["ops"] for line in of_kinds["lines"]), len(step["lines"]))
        self.assertAlmostEqual(of_kinds["total"]["macs"], step["total"]["macs"])

    def test_the_table_ends_with_the_total(self):
        lines = self.profile(self.moe, "-n", "2", "-b", "2", "-r", "1").splitlines()
        self.assertIn("reading", lines[1])
        self.assertRegex(lines[3], r"generate 2 x 2 at depth 0: [0-9.]+ ms a step; [0-9.]+ ms unprofiled")
        self.assertTrue(lines[4].startswith("operation"))
        self.assertTrue(any(line.startswith("experts") for line in lines))
        self.assertEqual((lines[-1].split()[0], lines[-1].split()[2]), ("total", "100.0%"))

    def test_errors_are_one_line_with_the_numbers(self):
        for arguments, words in ((["-p", "0"], "nothing to time"),
                                 (["-n", "2", "-b", "0"], "sequences: 0 is out of range"),
                                 (["-p", "8", "--ctx", "4", "-d", "90"], "the context holds"),
                                 (["-r", "0"], "--repeats")):
            done = self.run_profile(self.model, *arguments)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertIn(words, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
