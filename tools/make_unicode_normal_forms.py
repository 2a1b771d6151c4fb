#!/usr/bin/env python3
"""Writes src/text/unicode_normal_forms.inc: what Unicode's form C needs, as the `tokenizers` package
normalizes (not as Python's own Unicode version does).

Needs: pip install tokenizers. Usage: tools/make_unicode_normal_forms.py > src/text/unicode_normal_forms.inc
"""
import unicodedata

import tokenizers
from tokenizers import normalizers

NFC, NFD = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
HANGUL = range(0xAC00, 0xD7A4)
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def combining_classes(decompositions):
    """Each class found by how the reference reorders a mark beside one whose class is known."""
    below, above = "\u0334", "\u0345"  # of the least and the greatest class
    known = {1: below, 240: above}
    for c in SCALARS:
        value = unicodedata.combining(chr(c))
        # The reference may be older and know no class for a character.
        if value > 0 and value not in known and NFD("a" + above + chr(c))[1] == chr(c):
            known[value] = chr(c)
    values = sorted(known)
    classes = {}
    for c in SCALARS:
        mark = chr(c)
        if c in decompositions or c in HANGUL:
            continue
        if NFD("a" + above + mark)[1] != mark and NFD("a" + mark + below)[1] == mark:
            continue
        smaller = [v for v in values if NFD("a" + mark + known[v])[1] != mark]
        classes[c] = values[len(smaller)]
    return classes


def print_cells(cells):
    line = ""
    for cell in cells:
        if len(line) + len(cell) > 118:
            print(line)
            line = ""
        line += cell
    print(line)


def main():
    decompositions = {c: NFD(chr(c)) for c in SCALARS if c not in HANGUL and NFD(chr(c)) != chr(c)}
    classes = combining_classes(decompositions)
    composites = []
    for c, parts in decompositions.items():
        if NFC(parts) != chr(c):
            continue
        first = NFC(parts[:-1])
        assert len(first) == 1 and NFC(first + parts[-1]) == chr(c)
        composites.append((ord(first), ord(parts[-1]), c))
    print(f"// Made by tools/make_unicode_normal_forms.py with tokenizers {tokenizers.__version__}.")
    print("// clang-format off")
    print("constexpr uint32_t kCombiningClasses[] = {  // code point << 8 | class, ascending")
    print_cells(f"0x{c << 8 | value:x}," for c, value in sorted(classes.items()))
    print("};")
    print("constexpr char32_t kDecompositions[] = {  // code point, count, full decomposition; ascending")
    print_cells(f"0x{c:x},{len(parts)}," + "".join(f"0x{ord(p):x}," for p in parts)
                for c, parts in sorted(decompositions.items()))
    print("};")
    print("constexpr char32_t kComposites[] = {  // first, second, composed; ascending")
    print_cells(f"0x{a:x},0x{b:x},0x{c:x}," for a, b, c in sorted(composites))
    print("};")
    print("// clang-format on")


if __name__ == "__main__":
    main()
