#!/usr/bin/env python3
"""The program from outside: program_test.py PATH_TO_HEARTH

Tests of errors need no model. Tests of answers need HEARTH_TEST_MODEL, the path of a GGUF with a tokenizer, or one
*.gguf in build/test-home beside the sources, and are skipped without.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEARTH = sys.argv.pop(1)
COMMANDS = ["run", "list", "show", "import", "cp", "rm", "convert", "tokenize", "template", "perplexity", "bench"]


def test_model():
    if path := os.environ.get("HEARTH_TEST_MODEL"):
        return path
    return next((str(p) for p in sorted((ROOT / "build/test-home").rglob("*.gguf"))), None)


class Program(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)

    def hearth(self, *arguments, stdin=""):
        environment = {**os.environ, "HEARTH_HOME": self.home.name}
        return subprocess.run([HEARTH, *arguments], input=stdin.encode(), capture_output=True, env=environment, timeout=300)

    def assert_refused(self, done, *words):
        stderr = done.stderr.decode()
        self.assertEqual(done.returncode, 1, stderr)
        self.assertEqual(done.stdout, b"")
        self.assertTrue(stderr.startswith("hearth: "), stderr)
        for word in words:
            self.assertIn(word, stderr)


class Errors(Program):
    def test_help_of_every_command_has_an_example(self):
        for command in COMMANDS:
            done = self.hearth(command, "--help")
            self.assertEqual(done.returncode, 0, command)
            self.assertIn(f"Example:\n  hearth {command}", done.stdout.decode())

    def test_no_command_is_refused(self):
        self.assert_refused(self.hearth(), "--help")

    def test_an_unknown_option_is_named(self):
        self.assert_refused(self.hearth("run", "m", "hi", "--no-such"), "--no-such")

    def test_a_missing_file_is_named(self):
        self.assert_refused(self.hearth("run", "/nowhere/m.gguf", "hi"), "/nowhere/m.gguf: no such file")

    def test_a_bad_name_is_named(self):
        self.assert_refused(self.hearth("run", "a b", "hi"), "a b")
        self.assert_refused(self.hearth("run", "no-such-model", "hi"), "no-such-model")

    def test_a_file_that_is_no_gguf_is_refused(self):
        path = pathlib.Path(self.home.name) / "text.gguf"
        path.write_text("this is no model\n" * 10)
        self.assert_refused(self.hearth("run", str(path), "hi"), "GGUF")

    def test_a_bad_sampler_value_comes_with_its_range(self):
        self.assert_refused(self.hearth("run", "m", "hi", "--top-p", "1.5"), "top_p: 1.5 is out of range [0, 1]")

    def test_a_format_is_refused_and_not_ignored(self):
        self.assert_refused(self.hearth("run", "m", "hi", "--format", "json"), "--format")

    def test_an_empty_prompt_is_refused(self):
        self.assert_refused(self.hearth("run", "m"), "the prompt is empty")


@unittest.skipUnless(test_model(), "no model: set HEARTH_TEST_MODEL to the path of a GGUF")
class Answers(Program):
    def answer(self, *arguments, stdin=""):
        done = self.hearth("run", test_model(), *arguments, "--json", stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)

    def test_json_holds_as_many_tokens_as_were_asked_for(self):
        answer = self.answer("Once upon a time", "--raw", "--temp", "0", "-n", "6", "--ignore-eos")
        self.assertEqual(len(answer["tokens"]), 6)
        self.assertEqual(answer["generated_tokens"], 6)
        self.assertEqual(answer["done_reason"], "length")

    def test_a_seed_repeats_its_answer(self):
        ask = ["Once upon a time", "--raw", "--seed", "7", "--temp", "1", "-n", "8"]
        self.assertEqual(self.answer(*ask)["tokens"], self.answer(*ask)["tokens"])

    def test_stdin_is_the_prompt(self):
        flags = ["--raw", "--temp", "0", "-n", "4"]
        self.assertEqual(self.answer(*flags, stdin="Once upon\n")["tokens"], self.answer("Once upon", *flags)["tokens"])

    def test_plain_output_is_the_text_of_the_json(self):
        flags = ["Once upon a time", "--raw", "--temp", "0", "-n", "8"]
        done = self.hearth("run", test_model(), *flags)
        self.assertEqual(done.stdout.decode(), self.answer(*flags)["text"] + "\n")

    def test_a_prompt_that_does_not_fit_comes_with_its_numbers(self):
        done = self.hearth("run", test_model(), "--raw", "--ctx", "32", stdin="one two three " * 40)
        self.assert_refused(done, "tokens, the context holds 32")
        self.assertEqual(done.stderr.count(b"\n"), 1)

    def test_a_reader_that_goes_away_ends_the_answer_quietly(self):
        for restores in (True, False):  # with SIGPIPE's default, and with it ignored
            before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            self.addCleanup(signal.signal, signal.SIGPIPE, before)
            running = subprocess.Popen([HEARTH, "run", test_model(), "Once upon a time", "--raw", "--ignore-eos"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       restore_signals=restores)
            running.stdout.read(1)
            running.stdout.close()
            with running.stderr as stderr:
                self.assertEqual(stderr.read(), b"")
            self.assertEqual(running.wait(timeout=60), -signal.SIGPIPE if restores else 0)

    def test_verbose_says_what_it_took(self):
        done = self.hearth("run", test_model(), "Hello", "--raw", "-n", "4", "--ignore-eos", "--verbose")
        for word in ("prompt", "first token", "generation", "memory"):
            self.assertIn(word, done.stderr.decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
