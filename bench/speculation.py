#!/usr/bin/env python3
"""What running likely tokens ahead of their turn gains: the same answers with `--speculate auto` and `off`.

  speculation.py MODEL [--draft MODEL] [--repeats 3] [--tokens 300]

Needs a release build. Each answer is taken with and without, in turn, `repeats` times; both must have the same tokens.
Prints a line a prompt, then medians a kind, as JSON. Kinds: "edit" asks a chat model for a text again with a
change, "copy" is raw text that has begun to repeat itself (code, JSON, a list), "summary" asks for a summary; these three
are greedy. "plain" is the beginning of 20 texts, continued at temperature 0.8: what speculation must not slow down.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent
HEARTH = TREE / "build/release/bin/hearth"


def text_of(path, begin, n_bytes):
    text = (TREE / path).read_text()
    return text[text.index(begin):][:n_bytes].rsplit("\n", 1)[0]


def records(n):
    rows = [{"id": i, "name": f"sensor-{i * 37 % 101}", "unit": ["C", "kPa", "lx"][i % 3], "value": i * 7919 % 1000 / 10}
            for i in range(n)]
    return json.dumps(rows, indent=1)


def prompts():
    rules = text_of("docs/architecture.md", "- **Errors**", 1500)
    life = text_of("docs/architecture.md", "1. `hearth run", 1800)
    code = text_of("src/engine/sequence.cc", "Result<void> Sequence", 1500)
    for kind, text, old, new in [("edit", rules, "thread", "worker"), ("edit", life, "tokens", "words"),
                                 ("edit", code, "length", "n_kept"), ("edit", records(16), "sensor", "probe")]:
        yield kind, f"Repeat this text with the word {old} replaced by {new}, and say nothing else:\n\n{text}", []
    for text in (rules, life, code, records(24)):
        again = text[:len(text) // 8]
        yield "copy", f"The text:\n\n{text}\n\nThe same text again:\n\n{again}", ["--raw"]
    names = "\n".join(f"{i + 1}. item-{i * 37 % 101}: {i * i} units in stock" for i in range(20))
    yield "copy", f"{names}\n", ["--raw"]
    for text in (rules, life):
        yield "summary", f"Summarize this text in five sentences:\n\n{text}", []
    beginnings = json.loads((TREE / "tests/data/smollm2/continuations.json").read_text())
    for seed, beginning in enumerate(beginnings):
        yield "plain", beginning["prompt"], ["--raw", "--seed", str(seed), "--temp", "0.8"]


def answer(model, prompt, flags):
    done = subprocess.run([HEARTH, "run", model, prompt, "--json", *flags], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def race(arguments, kind, prompt, flags):
    flags = ["-n", str(arguments.tokens), *(flags if kind == "plain" else [*flags, "--temp", "0"])]
    on_flags = [*flags, *(["--draft", arguments.draft] if arguments.draft else [])]
    on, off = [], []
    for _ in range(arguments.repeats):
        on.append(answer(arguments.model, prompt, on_flags))
        off.append(answer(arguments.model, prompt, [*flags, "--speculate", "off"]))
    assert all(run["tokens"] == off[0]["tokens"] for run in on + off), prompt
    rate = {name: statistics.median(run["generation_tokens_per_s"] for run in runs)
            for name, runs in (("on", on), ("off", off))}
    middle = sorted(on, key=lambda run: run["generation_tokens_per_s"])[len(on) // 2]
    return {"kind": kind, "prompt_tokens": off[0]["prompt_tokens"], "tokens": off[0]["generated_tokens"],
            "off": round(rate["off"], 1), "on": round(rate["on"], 1), "ratio": round(rate["on"] / rate["off"], 3),
            "steps": middle["steps"], "proposed": middle["proposed_tokens"], "accepted": middle["accepted_tokens"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--draft")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=300)
    parser.add_argument("--kind", action="append", help="only this kind; may be given again")
    arguments = parser.parse_args()
    ratios = {}
    for kind, prompt, flags in prompts():
        if arguments.kind and kind not in arguments.kind:
            continue
        found = race(arguments, kind, prompt, flags)
        print(json.dumps(found), flush=True)
        if found["tokens"] > 16:
            ratios.setdefault(kind, []).append(found["ratio"])
    print(json.dumps({kind: {"n": len(values), "median": round(statistics.median(values), 3), "least": min(values),
                             "most": max(values)} for kind, values in ratios.items()}))


if __name__ == "__main__":
    main()
