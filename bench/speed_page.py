#!/usr/bin/env python3
"""The tables of docs/speed.md: Hearth in turns with llama.cpp on real models and on shapes with random weights.

  speed_page.py FOLDER --peer PYTHON [--model FILE_OR_NAME ...] [--only WORDS]

Needs a release build, and a Python interpreter that has llama_cpp. FOLDER keeps the files of the shapes (1 to 3 GB each), and
each measurement as JSON; what is there already is not measured again. Prints Markdown. Nothing else should run meanwhile.
"""
import argparse
import json
import pathlib
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent
HEARTH = TREE / "build/release/bin/hearth"
TYPES = ["Q4_K_M", "Q8_0", "Q6_K", "Q4_0", "Q5_K_M", "Q3_K_M", "IQ4_XS", "F16"]
SHAPES = [("Llama-3.2-1B", name) for name in TYPES] + [("Qwen3-MoE-1B", "Q4_K_M")]


def hearth(*arguments):
    done = subprocess.run([HEARTH, *map(str, arguments)], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def synth(folder, shape, name):
    path = folder / f"{shape}-{name}.gguf"
    if not path.exists():
        hearth("synth", shape, path, "--type", name)
    return path


def measure(folder, title, model, peer, what, *options):
    path = folder / (f"{title}-{what}".replace("/", "-").replace(":", "-") + ".json")
    if not path.exists():
        print(f"speed_page: {title}, {what}", file=sys.stderr, flush=True)
        result = hearth("bench", model, *options, "--vs", "llama.cpp", "--peer", peer, "--json")
        path.write_text(result)
    return json.loads(path.read_text())["rows"]


def cell(row):
    ours = row["tokens_per_s"]["median"]
    if "ratio" not in row["peer"]:
        return f"{ours:,.0f} | {row['peer']['error']} | "
    ratio = row["peer"]["ratio"]
    return f"{ours:,.{0 if ours >= 100 else 1}f} | {row['peer']['tokens_per_s']['median']:,.{0 if ours >= 100 else 1}f} | " \
           f"{ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['most']:.2f})"


def limit(row):
    parts = [f"{100 * row['of_read_bandwidth']:.0f}% of reading"] if row["work"] == "generate" else []
    if row["work"] == "prompt" and "of_product_rate" in row:
        parts.append(f"{100 * row['of_product_rate']:.0f}% of the kernel")
    return ", ".join(parts)


def print_table(title, rows):
    print(f"### {title}\n\n| work | Hearth | llama.cpp | ratio | of the limit |\n|---|---|---|---|---|")
    for row in rows:
        work = f"prompt of {row['tokens']}" if row["work"] == "prompt" else \
            f"generation, {row['sequences']} together" if row["sequences"] > 1 else "generation"
        print(f"| {work}, depth {row['depth']} | {cell(row)} | {limit(row)} |")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--model", action="append", default=[], help="a real model too; may be repeated")
    parser.add_argument("--only", default="", help="only what has all of these words in its title")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    models = [(pathlib.Path(model).stem, lambda model=model: model) for model in options.model]
    models += [(f"{shape} {name}", lambda shape=shape, name=name: synth(options.folder, shape, name))
               for shape, name in SHAPES]
    for title, file in models:
        if not all(word in title for word in options.only.split()):
            continue
        rows = measure(options.folder, title, file(), options.peer, "shallow", "-p", 512, "-n", 64)
        rows += measure(options.folder, title, file(), options.peer, "deep", "-p", 512, "-n", 64, "-d", 4096, "-r", 3)
        if title in (pathlib.Path(options.model[0]).stem if options.model else "", "Llama-3.2-1B Q4_K_M"):
            rows += measure(options.folder, title, file(), options.peer, "batch", "-p", 0, "-n", 32, "-d", 256,
                            "-b", "2,4,8,16,32", "-r", 3)
        print_table(title, rows)


main()
