#!/usr/bin/env python3
"""Holds objects compiled for one instruction set against leaks: check_isa_objects.py BUILD_DIR

A weak symbol defined in the object of a file that names its instruction set, such as *_avx2.cc or *_dotprod.cc, is
a copy of an inline or template function that the linker may pick for the whole program, which then dies on a CPU
without that instruction set.
"""
import pathlib
import re
import subprocess
import sys

NAME = re.compile(r"_(avx2|avxvnni|avx512|neon|dotprod|i8mm)\.cc\.(o|obj)$")
WEAK = re.compile(r"^\S* *([WVu]) (.+)$")


def main():
    objects = [path for path in pathlib.Path(sys.argv[1]).rglob("*") if NAME.search(path.name)]
    problems = []
    for path in sorted(objects):
        out = subprocess.run(["nm", "--defined-only", "--demangle", path], check=True, capture_output=True, text=True)
        for line in out.stdout.splitlines():
            if (match := WEAK.match(line)) and not match.group(2).startswith("DW.ref."):  # a datum, not code
                problems.append(f"{path}: weak symbol {match.group(2)}: include only intrinsics and plain headers")
    if not objects:
        problems.append(f"{sys.argv[1]}: no object of one instruction set; build first")
    print("\n".join(problems) if problems else f"isa objects: {len(objects)}, no weak symbol")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
