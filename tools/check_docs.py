#!/usr/bin/env python3
"""Holds the documents against the tree: check_docs.py ROOT [--run]

Every `path/like.this` in backticks must exist, and every relative link must lead somewhere. With --run each
```sh test block is run from ROOT by `sh -eu`, with the release build's bin/ first on the PATH.
"""
import os
import pathlib
import re
import subprocess
import sys

PATH = re.compile(r"`([\w.\-]+(?:/[\w.\-]+)+/?)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
BLOCK = re.compile(r"^```sh test\n(.*?)^```", re.S | re.M)
ROOTS = {"src", "tests", "tools", "docs", "rust", "fuzz", "bench", "cmake", "web", "packaging", ".ci", "build"}


def documents(root):
    out = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"], check=True, capture_output=True)
    return [root / name for name in out.stdout.decode().split("\0") if name and (root / name).is_file()]


def check_paths(root, document, problems):
    text = document.read_text()
    for match in PATH.finditer(text):
        name = match.group(1)
        candidates = [root / name, document.parent / name, root / "src" / name]
        known = name.split("/")[0] in ROOTS or (root / "src" / name.split("/")[0]).is_dir()
        if known and not name.startswith("build/") and not any(p.exists() for p in candidates):
            problems.append(f"{document.relative_to(root)}: no such path: {name}")
    for match in LINK.finditer(text):
        if not (document.parent / match.group(1)).exists():
            problems.append(f"{document.relative_to(root)}: dead link: {match.group(1)}")


def run_blocks(root, document, problems):
    env = dict(os.environ, PATH=f"{root}/build/release/bin:{os.environ['PATH']}")
    for number, block in enumerate(BLOCK.findall(document.read_text()), 1):
        print(f"{document.relative_to(root)}: block {number}\n{block}", flush=True)
        done = subprocess.run(["sh", "-eu", "-c", block], cwd=root, env=env, stdin=subprocess.DEVNULL, timeout=900)
        if done.returncode != 0:
            problems.append(f"{document.relative_to(root)}: block {number} ended with {done.returncode}")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    problems = []
    found = documents(root)
    for document in found:
        check_paths(root, document, problems)
        if "--run" in sys.argv:
            run_blocks(root, document, problems)
    print("\n".join(problems) if problems else f"docs: {len(found)} documents, all paths exist")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
