#!/usr/bin/env python3
"""Holds every #include in SRC against the layer table: check_layers.py [tools/layers.txt src]

Reports an edge that the table does not list, a cycle, an edge that nobody uses, a folder in no layer,
an include by `..`, a file over 600 lines without an exemption, and a folder with a name that says nothing.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MAX_LINES = 600
VAGUE = {"utils", "util", "common", "misc", "helpers"}


def read_table(path):
    layers, exempt = {}, {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        if line.startswith("!allow "):
            _, name, lines, *reason = line.split(maxsplit=3)
            if not reason:
                sys.exit(f"{path}:{number}: an exemption needs a reason")
            exempt[name] = int(lines)
            continue
        name, _, deps = line.partition(":")
        layers[name.strip()] = deps.split()
    return layers, exempt


def find_cycle(layers):
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name):] + [name]
        if name in done:
            return None
        path.append(name)
        for dep in layers.get(name, []):
            if cycle := visit(dep):
                return cycle
        path.pop()
        done.add(name)
        return None

    return next((cycle for name in layers if (cycle := visit(name))), None)


def main():
    table, src = map(pathlib.Path, sys.argv[1:] or [ROOT / "tools/layers.txt", ROOT / "src"])
    layers, exempt = read_table(table)
    problems, used = [], set()
    if cycle := find_cycle(layers):
        problems.append(f"{table}: cycle {' -> '.join(cycle)}")
    for name, deps in layers.items():
        problems += [f"{table}: {name} uses unknown layer {dep}" for dep in deps if dep not in layers]
    for path in sorted(src.rglob("*")):
        if path.is_dir():
            if path.name in VAGUE:
                problems.append(f"{path}: a folder's name says what lives in it")
            continue
        if path.suffix not in {".h", ".cc"}:
            continue
        layer = path.relative_to(src).parts[0]
        if layer not in layers:
            problems.append(f"{path}: folder {layer} is in no layer of {table}")
            continue
        lines = path.read_text().splitlines()
        limit = exempt.get(str(path.relative_to(src)), MAX_LINES)
        if len(lines) > limit:
            problems.append(f"{path}: {len(lines)} lines, limit {limit}")
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            target = match.group(1)
            if ".." in target:
                problems.append(f"{path}:{number}: include from the source root, not by ..")
                continue
            if not (src / target).exists() and "/" in target and target.split("/")[0] in layers:
                problems.append(f"{path}:{number}: no such file: {target}")
            other = target.split("/")[0]
            if other == layer or other not in layers:
                continue
            used.add((layer, other))
            if other not in layers[layer]:
                problems.append(f"{path}:{number}: layer {layer} may not use {other}")
    built = {path.name for path in src.iterdir() if path.is_dir() and any(path.rglob("*.cc"))}
    for name, deps in layers.items():
        problems += [f"{table}: {name} never uses {dep}" for dep in deps
                     if name in built and dep in built and (name, dep) not in used]
    for name in exempt:
        if not (src / name).exists():
            problems.append(f"{table}: exemption for {name}, which does not exist")
    print("\n".join(problems) if problems else f"layers: {len(layers)} layers, {len(used)} edges, all as listed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
