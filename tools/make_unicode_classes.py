#!/usr/bin/env python3
"""Writes src/text/unicode_categories.inc: the general category of every code point, and which are
white space, as the `tokenizers` package's regular expressions see them (not as Python's own Unicode
version does), so that pre-tokenizers cut where the reference cuts.

Needs: pip install tokenizers. Usage: tools/make_unicode_classes.py > src/text/unicode_categories.inc
"""
import tokenizers
from tokenizers import Regex, pre_tokenizers

CATEGORIES = "Cn Cc Cf Co Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So Zl Zp Zs".split()
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
CHUNK = 4096


def members(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    kept = set()
    for i in range(0, len(SCALARS), CHUNK):
        text = "".join(map(chr, SCALARS[i : i + CHUNK]))
        for piece, _ in split.pre_tokenize_str(text):
            kept.update(map(ord, piece))
    return set(SCALARS) - kept


def main():
    category = [0] * 0x110000
    for number, name in enumerate(CATEGORIES):
        if name != "Cn":
            for c in members(r"\p{%s}" % name):
                category[c] = number
    space = members(r"\s")
    ranges = []
    for c in range(0x110000):
        value = category[c] | (32 if c in space else 0)
        if not ranges or ranges[-1][1] != value:
            ranges.append((c, value))
    print(f"// Made by tools/make_unicode_classes.py with tokenizers {tokenizers.__version__}: first code point << 8 |")
    print("// white space << 5 | category, up to the next entry's first code point. Categories by number:")
    print("// " + " ".join(CATEGORIES))
    print("// clang-format off")
    cells = [f"0x{first << 8 | value:x}," for first, value in ranges]
    line = ""
    for cell in cells:
        if len(line) + len(cell) > 118:
            print(line)
            line = ""
        line += cell
    print(line)
    print("// clang-format on")


if __name__ == "__main__":
    main()
