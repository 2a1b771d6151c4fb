#!/usr/bin/env python3
"""The program from outside: program_test.py PATH_TO_HEARTH [CLASS...]

Errors and Streams need no model. Answers needs smollm2:135m in the library (tools/fetch_model.sh puts it there), and
fails without.
"""
import fcntl
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HEARTH = os.path.abspath(sys.argv.pop(1))
MODEL = "smollm2:135m"
COMMANDS = ["run", "list", "show", "import", "cp", "rm", "convert", "tokenize", "template", "perplexity", "bench", "profile", "synth"]


class Program(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)
        self.environment = {**os.environ, "HEARTH_HOME": self.home.name}

    def hearth(self, *arguments, stdin=""):
        return subprocess.run([HEARTH, *arguments], input=stdin.encode(), capture_output=True, env=self.environment)

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

    def test_no_command_and_help_show_the_commands(self):
        for arguments in ([], ["--help"], ["help"]):
            done = self.hearth(*arguments)
            self.assertEqual(done.returncode, 0)
            for command in COMMANDS:
                self.assertRegex(done.stdout.decode(), rf"(?m)^  {command}\b")
        self.assertIn("hearth run [OPTIONS]", self.hearth("help", "run").stdout.decode())

    def test_a_wrong_command_line_is_said_in_one_line_with_what_was_meant(self):
        for line, words in [("lst", ["no command 'lst'", "'list'", "`hearth --help`"]),
                            ("tokenise m --text a", ["no command 'tokenise'", "'tokenize'"]),
                            ("qwerty", ["no command 'qwerty'"]),
                            ("help lst", ["no command 'lst'"]),
                            ("--jsno list", ["no option '--jsno'"]),
                            ("run m hi --no-such", ["run: no option '--no-such'", "`hearth run --help`"]),
                            ("run --tpo-k=3 m hi", ["no option '--tpo-k'", "'--top-k'"]),
                            ("run --sysetm", ["no option '--sysetm'", "'--system'"]),
                            ("run m hi --ctx many", ["run: --ctx", "many"]),
                            ("run m hi -n", ["run: --num-predict needs a value"]),
                            ("run m hi --raw --template x", ["--raw", "--template"]),
                            ("run m hi --speculate some", ["run: --speculate", "some", "auto"]),
                            ("run m hi --draft d --speculate off", ["--draft", "--speculate off"]),
                            ("bench m -p 1,x", ["bench: ", "--prompt", "1,x"]),
                            ("bench m -b 0 -p 0", ["sequences: 0 is out of range"]),
                            ("bench m -p 0 -n 0", ["nothing to time"]),
                            ("bench m --peer python3", ["--peer", "--vs"]),
                            ("bench m --vs ollama", ["--vs", "ollama"]),
                            ("bench m --json --csv", ["--csv", "--json"]),
                            ("profile m -p many", ["profile: ", "--prompt", "many"]),
                            ("profile m -p 0 -n 0", ["nothing to time"]),
                            ("profile m --per-ops", ["no option '--per-ops'", "'--per-op'"]),
                            ("list all", ["list: 'all' is one word too many"]),
                            ("show", ["show: MODEL is required"])]:
            done = self.hearth(*shlex.split(line))
            self.assert_refused(done, *words)
            self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)

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

    def test_an_unknown_shape_or_type_comes_with_the_near_ones(self):
        out = str(pathlib.Path(self.home.name) / "m.gguf")
        self.assert_refused(self.hearth("synth", "Lama-3.2-1B", out), "'Lama-3.2-1B'", "'Llama-3.2-1B'", "Phi-3-mini")
        self.assert_refused(self.hearth("synth", "Phi-3-mini", out, "--type", "Q4_KM"), "'Q4_KM'", "'Q4_K_M'", "IQ4_XS")
        self.assert_refused(self.hearth("synth"), "hearth synth --list")

    def test_a_file_without_a_tokenizer_is_timed_and_not_talked_to(self):
        out = str(pathlib.Path(self.home.name) / "m.gguf")
        self.assertEqual(self.hearth("synth", "SmolLM2-135M", out, "--type", "IQ1_S").returncode, 0)
        for line in (["run", out, "hi"], ["perplexity", out, "--file", out]):
            self.assert_refused(self.hearth(*line), "the file has no tokenizer", "hearth bench")
        done = self.hearth("bench", out, "-p", "4", "-n", "1", "-r", "1", "--json")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertGreater(json.loads(done.stdout)["prompt_tokens_per_s"], 0)

    def test_the_shapes_are_listed_with_their_sizes(self):
        shapes = json.loads(self.hearth("synth", "--list", "--json", "--type", "F16").stdout)["shapes"]
        llama = next(shape for shape in shapes if shape["name"] == "Llama-3.2-1B")
        self.assertEqual(llama["parameters"], 1235814400)
        self.assertGreater(llama["tensor_bytes"], 2 * llama["parameters"])
        plain = self.hearth("synth", "--list").stdout.decode().splitlines()
        self.assertEqual(len(plain), 1 + len(shapes))

    def test_an_empty_prompt_is_refused(self):
        self.assert_refused(self.hearth("run", "m"), "the prompt is empty")


class Streams(Program):
    """Standard streams that are closed, full or gone."""

    def shell(self, line):
        done = subprocess.run(["sh", "-c", line.replace("hearth", shlex.quote(HEARTH))], cwd=self.home.name,
                              stdin=subprocess.DEVNULL, capture_output=True, env=self.environment)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_output_that_cannot_be_written_is_an_error(self):
        for line in ("hearth list >&-", "hearth list --json >/dev/full", "hearth --help >/dev/full"):
            status, _, stderr = self.shell(line)
            self.assertEqual(status, 1, line)
            self.assertRegex(stderr, r"\Ahearth: cannot write the output: .+\n\Z", line)

    def test_a_closed_stderr_changes_no_status(self):
        self.assertEqual(self.shell("hearth list 2>&-")[:2], (0, self.shell("hearth list")[1]))
        self.assertEqual(self.shell("hearth show nothing 2>&-")[0], 1)
        self.assertEqual(self.shell("hearth list >&- 2>&-")[0], 1)
        self.assertEqual(self.shell("hearth nonsense 2>/dev/full")[0], 1)

    def test_no_file_gets_what_a_closed_stream_would(self):
        # A writer that waits for the lock, which is its first open file, says so on stderr.
        home = pathlib.Path(self.home.name)
        (home / "a.gguf").write_bytes(b"GGUF\x03\0\0\0" + bytes(16))
        for streams in ("2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
            with open(home / "lock", "wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                running = subprocess.Popen(["sh", "-c", f'exec "$0" import a.gguf tiny {streams}', HEARTH], cwd=home,
                                           env=self.environment)
                while not re.search(rf"-> FLOCK .* {running.pid} ", pathlib.Path("/proc/locks").read_text()):
                    self.assertIsNone(running.poll(), "the writer did not wait")
                    time.sleep(0.001)
            self.assertEqual(running.wait(), 0, streams)
            self.assertEqual((home / "lock").read_bytes(), b"", streams)

    def test_input_that_cannot_be_read_is_an_error(self):
        status, _, stderr = self.shell("hearth run m <.")
        self.assertEqual(status, 1)
        self.assertIn("cannot read standard input", stderr)


class Answers(Program):
    def setUp(self):
        self.environment = dict(os.environ)
        done = self.hearth("show", MODEL)
        self.assertEqual(done.returncode, 0, done.stderr.decode())

    def answer(self, *arguments, stdin=""):
        done = self.hearth("run", MODEL, *arguments, "--json", stdin=stdin)
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
        done = self.hearth("run", MODEL, *flags)
        self.assertEqual(done.stdout.decode(), self.answer(*flags)["text"] + "\n")

    def test_a_prompt_that_does_not_fit_comes_with_its_numbers(self):
        done = self.hearth("run", MODEL, "--raw", "--ctx", "32", stdin="one two three " * 40)
        self.assert_refused(done, "tokens, the context holds 32")
        self.assertEqual(done.stderr.count(b"\n"), 1)

    def test_threads_beyond_the_cpus_are_left_out_and_said(self):
        done = self.hearth("run", MODEL, "Hi", "--raw", "-n", "1", "-t", "1024")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertIn("1024 threads asked for", done.stderr.decode())

    def test_weights_are_in_memory_once(self):
        running = subprocess.Popen([HEARTH, "run", MODEL, "Hi", "--raw", "-n", "1", "--ctx", "256"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(running.returncode, 0)
        file_kib, kv_kib = 96_400, 5_760
        allowance_kib = 24 << 10  # the program and its libraries among it
        self.assertLess(usage.ru_maxrss, 1.1 * file_kib + kv_kib + allowance_kib)

    def test_a_reader_that_goes_away_ends_the_answer_quietly(self):
        for restores in (True, False):  # with SIGPIPE's default, and with it ignored
            before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            self.addCleanup(signal.signal, signal.SIGPIPE, before)
            running = subprocess.Popen([HEARTH, "run", MODEL, "Once upon a time", "--raw", "--ignore-eos"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       restore_signals=restores)
            running.stdout.read(1)
            running.stdout.close()
            with running.stderr as stderr:
                self.assertEqual(stderr.read(), b"")
            self.assertEqual(running.wait(), -signal.SIGPIPE if restores else 1)

    def test_ctrl_c_ends_an_answer_with_status_130_and_what_was_said(self):
        running = subprocess.Popen([HEARTH, "run", MODEL, "Once upon a time", "--raw", "--ignore-eos"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = running.stdout.read(1)
        running.send_signal(signal.SIGINT)
        rest, stderr = running.communicate()
        self.assertEqual(running.returncode, 130)
        self.assertTrue((said + rest).decode().endswith("\n"))
        self.assertEqual(stderr, b"hearth: stopped by Ctrl-C\n")

    def test_a_full_disk_ends_an_answer(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([HEARTH, "run", MODEL, "Hello", "--ignore-eos"], stdin=subprocess.DEVNULL, stdout=full,
                                  stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), r"\Ahearth: cannot write the output: .+\n\Z")

    def test_a_format_holds_the_answer_to_json(self):
        schema = {"type": "object", "additionalProperties": False, "required": ["sky", "stars"],
                  "properties": {"sky": {"enum": ["blue", "grey"]},
                                 "stars": {"type": "integer", "minimum": 10, "maximum": 99}}}
        file = self.enterContext(tempfile.NamedTemporaryFile("w", suffix=".json"))
        file.write(json.dumps(schema))
        file.flush()
        for given in (json.dumps(schema), file.name):
            answer = self.answer("Describe it.", "--raw", "--temp", "1.5", "--seed", "3", "--format", given)
            said = json.loads(answer["text"])
            self.assertEqual(sorted(said), ["sky", "stars"])
            self.assertIn(said["sky"], ["blue", "grey"])
            self.assertIn(said["stars"], range(10, 100))
            self.assertEqual(answer["done_reason"], "stop")
        cut = self.answer("Describe it.", "--raw", "--temp", "0", "-n", "2", "--format", "json")
        self.assertTrue(cut["text"].startswith("{"))
        self.assertEqual(cut["done_reason"], "length")

    def test_a_format_that_cannot_be_held_to_is_refused_by_name(self):
        for given, word in (("no-such.json", "No such file"), ("{", "not JSON"), ('{"not": {}}', "not"),
                            ('{"$ref": "http://localhost/x"}', "http://localhost/x")):
            self.assert_refused(self.hearth("run", MODEL, "hi", "--raw", "--format", given), "format: ", word)
        self.assert_refused(self.hearth("run", MODEL, "hi", "--raw", "--format", "json", "--ignore-eos"), "ignore_eos")

    def test_what_is_run_ahead_changes_no_token(self):
        again = "one two three four five six seven. " * 6
        for flags in (["--temp", "0"], ["--temp", "1", "--seed", "5", "--logprobs", "2"]):
            ask = [again, "--raw", "-n", "40", *flags]
            plain = self.answer(*ask, "--speculate", "off")
            self.assertEqual((plain["steps"], plain["proposed_tokens"]), (plain["generated_tokens"] - 1, 0))
            for speculating in ([], ["--draft", MODEL]):
                answer = self.answer(*ask, *speculating)
                for key in ("tokens", "text", "done_reason", "logprobs"):
                    self.assertEqual(answer.get(key), plain.get(key))
                self.assertLessEqual(answer["accepted_tokens"], answer["proposed_tokens"])
                self.assertIn(answer["steps"] + answer["accepted_tokens"] - answer["generated_tokens"], (-1, 0))

    def test_verbose_says_what_it_took(self):
        done = self.hearth("run", MODEL, "Hello", "--raw", "-n", "4", "--ignore-eos", "--verbose")
        for word in ("prompt", "first token", "generation", "run ahead", "memory"):
            self.assertIn(word, done.stderr.decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
