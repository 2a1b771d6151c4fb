#!/usr/bin/env python3
"""The conversation, on a terminal: repl_test.py PATH_TO_HEARTH

Needs smollm2:135m in the library.
"""
import os
import pathlib
import pty
import select
import sys
import tempfile
import unittest

HEARTH = os.path.abspath(sys.argv.pop(1))
MODEL = "smollm2:135m"
CTRL_C = "\x03"
PROMPT = ">>> "
HANG_S = 300  # nothing came for so long: the program hangs


class Terminal:
    """A conversation in a terminal of its own."""

    def __init__(self, *arguments):
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            os.environ["TERM"] = "dumb"
            os.execv(HEARTH, [HEARTH, "run", MODEL, "--temp", "0", *arguments])
        self.transcript = ""
        self.n_seen = 0  # of the transcript
        self.expect(PROMPT)

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def expect(self, text):
        """What came up to and with `text`, from where the last expect() ended."""
        while text not in self.transcript[self.n_seen:]:
            if not self.read():
                raise AssertionError(f"no {text!r} in {self.transcript[self.n_seen:]!r}")
        begin = self.n_seen
        self.n_seen = self.transcript.index(text, begin) + len(text)
        return self.transcript[begin:self.n_seen]

    def enter(self, line):
        """What the program has to say to a line."""
        self.type(line + "\n")
        self.expect("\n")
        return self.expect(PROMPT)

    def read(self):
        if not select.select([self.descriptor], [], [], HANG_S)[0]:
            return False
        try:
            piece = os.read(self.descriptor, 65536)
        except OSError:  # the program has ended
            return False
        self.transcript += piece.decode(errors="replace")
        return bool(piece)

    def end(self):
        """The exit status."""
        while self.read():
            pass
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


class Repl(unittest.TestCase):
    def leave(self, terminal):
        terminal.type("/bye\n")
        self.assertEqual(terminal.end(), 0, terminal.transcript)

    def test_commands_say_what_there_is(self):
        terminal = Terminal()
        for command, words in [("/show", ["info", "parameters", "system", "template"]),
                               ("/set", ["parameter", "raw | noraw", "template FILE"]),
                               ("/?", ["/show info", "/set raw", "/save FILE", "/clear"]),
                               ("/shwo", ["no command '/shwo'", "'/show'"]),
                               ("/set rwa", ["no command '/set rwa'"]),
                               ("/set parameter", ["NAME VALUE"]),
                               ("/set parameter top_p 2", ["out of range [0, 1]"]),
                               ("/clear all", ["'/clear' takes nothing"])]:
            said = terminal.enter(command)
            for word in words:
                self.assertIn(word, said)
        self.leave(terminal)

    def test_a_template_can_be_taken_and_left(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "shout.jinja"
            path.write_text("{{ messages[-1].content | upper }}")
            terminal = Terminal("-n", "4")
            self.assertIn("no such file", terminal.enter("/set template /nowhere.jinja").lower())
            self.assertIn("im_start", terminal.enter("/show template"))
            self.assertNotIn("hearth:", terminal.enter(f"/set template {path}"))
            self.assertIn("| upper", terminal.enter("/show template"))
            path.write_text("{% if %}")
            self.assertIn("chat template", terminal.enter(f"/set template {path}"))
            self.assertIn("| upper", terminal.enter("/show template"))
            for command in ("/set raw", "/set noraw", "/set nospeculate", "/set speculate"):
                self.assertNotIn("hearth:", terminal.enter(command))
                self.assertIn("4 tokens", terminal.enter("Once upon a time"))
            self.leave(terminal)

    def test_answers_can_be_held_to_a_schema_and_let_go(self):
        terminal = Terminal("-n", "8", "--format", '{"const": "cold water"}')
        self.assertIn('"cold water"', terminal.enter("Say something."))
        self.assertNotIn("hearth:", terminal.enter('/set format {"enum": [1204, 1205]}'))
        self.assertIn("120", terminal.enter("Say something."))
        self.assertIn("not", terminal.enter('/set format {"not": {}}'))
        self.assertIn("json, a JSON schema", terminal.enter("/set format"))
        self.assertIn("120", terminal.enter("Say something."))
        self.assertNotIn("hearth:", terminal.enter("/set noformat"))
        self.assertNotIn("120", terminal.enter("Name a colour."))
        self.leave(terminal)

    def test_raw_prompts_are_continued(self):
        terminal = Terminal("-n", "8", "--verbose")
        in_template = terminal.enter("Once upon a time")
        terminal.enter("/set raw")
        raw = terminal.enter("Once upon a time")
        self.assertIn("4 tokens", raw)
        self.assertNotIn(" 4 tokens", in_template)
        self.leave(terminal)

    def test_ctrl_c_clears_what_is_typed(self):
        terminal = Terminal()
        terminal.type("half a line")
        terminal.expect("half a line")
        terminal.type(CTRL_C)
        self.assertNotIn("leaves", terminal.expect(PROMPT))
        terminal.type('"""one\n')
        terminal.expect("... ")
        terminal.type(CTRL_C)
        self.assertNotIn("leaves", terminal.expect(PROMPT))
        self.leave(terminal)

    def test_ctrl_c_on_an_empty_line_leaves_at_the_second_time(self):
        terminal = Terminal()
        terminal.type(CTRL_C)
        self.assertIn("leaves", terminal.expect(PROMPT))
        terminal.type(CTRL_C)
        self.assertEqual(terminal.end(), 0)

    def test_ctrl_c_stops_a_long_prompt_and_the_conversation_goes_on(self):
        terminal = Terminal("--ctx", "8192", "-n", "4")
        terminal.type('"""')
        for _ in range(80):
            terminal.type("word " * 60 + "\n")
            terminal.expect("... ")
        terminal.type('"""\n')
        terminal.expect("(0%)")
        terminal.type(CTRL_C)
        self.assertNotIn("100%", terminal.expect(PROMPT))
        self.assertIn("4 tokens", terminal.enter("Count to a hundred."))
        self.leave(terminal)

    def test_ctrl_c_stops_an_answer_and_the_conversation_goes_on(self):
        terminal = Terminal("--ignore-eos")
        terminal.type("Tell me a story.\n")
        terminal.expect("\n")
        terminal.expect(" ")
        terminal.type(CTRL_C)
        terminal.expect(PROMPT)
        self.assertIn("word", terminal.enter("/set parameter num_predict word"))
        self.leave(terminal)


if __name__ == "__main__":
    unittest.main(verbosity=2)
