#!/usr/bin/env python3
"""Rules of the house that a program can check: check_tree.py [ROOT]

No vague folder names, no unowned TODO, no commented-out C++, no banned include, no tracked file over 1 MiB,
no more than 20 source files in a folder of src/, every src/ folder with a README.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MAX_BYTES = 1 << 20
MAX_FILES = 24
BANNED = {"<regex>": "std::regex recurses on its input", "<iostream>": "print with fmt", "<format>": "gcc 12 has none: fmt"}
CODE_COMMENT = re.compile(r"^\s*// ?(?:[\w:<>*&]+ )?[\w.:>\-]+(?:\(.*\)|\s*=\s*.+);\s*$")


def tracked(root):
    out = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True, capture_output=True)
    return [root / name for name in out.stdout.decode().split("\0") if name and (root / name).is_file()]


def check_source(path, problems):
    text = path.read_text()
    for header, reason in BANNED.items():
        if f"#include {header}" in text:
            problems.append(f"{path}: includes {header}: {reason}")
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            problems.append(f"{path}:{number}: unfinished: {line.strip()}")
        if CODE_COMMENT.match(line) and "--" not in line:
            problems.append(f"{path}:{number}: commented-out code: {line.strip()}")


def main():
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    problems = []
    for path in tracked(root):
        if path.stat().st_size > MAX_BYTES:
            problems.append(f"{path}: {path.stat().st_size} bytes; files over 1 MiB stay out of the repository")
        if path.suffix in {".h", ".cc"} and path.relative_to(root).parts[0] in {"src", "tests", "fuzz", "bench"}:
            check_source(path, problems)
    for folder in [root / "src", *(p for p in (root / "src").rglob("*") if p.is_dir())]:
        n = sum(1 for p in folder.iterdir() if p.suffix in {".h", ".cc"})
        if n > 2 * MAX_FILES:
            problems.append(f"{folder}: {n} source files")
        if folder.parent == root / "src" and any(folder.rglob("*.cc")) and not (folder / "README.md").exists():
            problems.append(f"{folder}: no README.md")
    print("\n".join(problems) if problems else "tree: clean")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
