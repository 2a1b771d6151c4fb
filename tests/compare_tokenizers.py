#!/usr/bin/env python3
"""Compares Hearth's token ids with the reference libraries' on full vocabularies.

Needs: pip install tokenizers sentencepiece protobuf gguf numpy, a built `tokenize_lines`, and vocabularies:
  compare_tokenizers.py build/release/bin/tokenize_lines [--count 100000] NAME=PATH ...
PATH is a tokenizer.json (Hugging Face), a tokenizer.model (SentencePiece), or a GGUF file; NAME picks the
pre-tokenizer for byte-level vocabularies: gpt-2, phi-2, smollm, llama-bpe, qwen2, or anything for SentencePiece.
Set HEARTH_SHARED_DATA to draw on longer texts. Exits 1 if any string differs.
"""
import argparse
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tokenizer_gguf
import tokenizer_strings


def run_hearth(program, gguf_path, texts, special):
    data = b"".join(struct.pack("<I", len(t)) + t for t in (text.encode() for text in texts))
    command = [program, str(gguf_path)] + (["--special"] if special else [])
    out = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
    words = np.frombuffer(out, dtype="<i4")
    ids, at = [], 0
    for _ in texts:
        count = words[at]
        ids.append(words[at + 1 : at + 1 + count].tolist())
        at += 1 + count
    return ids


def report(label, texts, found, wanted):
    different = [i for i in range(len(texts)) if found[i] != wanted[i]]
    marked = sum("\u2581" in texts[i] for i in different)
    print(f"{label}: {len(texts)} strings, {sum(map(len, wanted))} tokens, {len(different)} strings differ"
          f" ({marked} of them hold U+2581 as a character)", flush=True)
    for i in sorted(different, key=lambda i: len(texts[i]))[:6]:
        print(f"  {ascii(texts[i])[:300]}\n    found  {found[i][:40]}\n    wanted {wanted[i][:40]}")
    return len(different)


def compare(program, name, path, texts, folder):
    path = pathlib.Path(path)
    target = pathlib.Path(folder) / f"{name}.gguf"
    bad = 0
    if path.suffix == ".json":
        tokenizer_gguf.from_tokenizer_json(path, target, name)
        for special in (True, False):
            reference = tokenizer_gguf.hugging_face(json.loads(path.read_text()), special, name)
            wanted = [e.ids for e in reference.encode_batch(texts, add_special_tokens=False)]
            label = f"{name} tokenizers special={special}"
            bad += report(label, texts, run_hearth(program, target, texts, special), wanted)
    elif path.suffix == ".gguf":
        model, reference = tokenizer_gguf.reference_of_gguf(path)
        if model == "gpt2":
            wanted = [e.ids for e in reference.encode_batch(texts, add_special_tokens=False)]
        else:
            wanted = reference.encode(texts)
        bad += report(f"{name} {model} of the GGUF file", texts, run_hearth(program, path, texts, False), wanted)
    else:
        reference = tokenizer_gguf.from_sentencepiece(path, target)
        bad += report(f"{name} sentencepiece", texts, run_hearth(program, target, texts, False), reference.encode(texts))
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("vocabularies", nargs="+", metavar="NAME=PATH")
    parser.add_argument("--count", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    texts = tokenizer_strings.strings(arguments.count, arguments.seed)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for vocabulary in arguments.vocabularies:
            name, _, path = vocabulary.partition("=")
            bad += compare(arguments.program, name, path, texts, folder)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
