#!/usr/bin/env python3
"""Writes tests/data/text: small vocabularies as GGUF files, and what the reference libraries make of strings.

Needs: pip install tokenizers sentencepiece protobuf gguf; HEARTH_SHARED_DATA pointing to the folder with the longer
texts, from which the vocabularies are learned. Usage: tests/make_tokenizer_fixtures.py

strings.bin         every string: uint32 length, bytes
NAME.gguf           a vocabulary
NAME.plain.ids      for every string an FNV-1a hash (uint32) of its ids as int32, control tokens not parsed
NAME.special.ids    the same with control tokens parsed
normal_forms.bin    pairs of strings: any, and its form C
"""
import io
import json
import pathlib
import random
import struct
import sys

import sentencepiece
import tokenizers
from gguf import TokenType
from tokenizers import models, normalizers, pre_tokenizers, trainers

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tokenizer_gguf
import tokenizer_strings

OUT = pathlib.Path(__file__).parent / "data" / "text"
N_STRINGS = 4000
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,%d}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def words_and_bytes(max_digits):
    pattern = tokenizers.Regex(LLAMA3 % max_digits)
    return pre_tokenizers.Sequence([pre_tokenizers.Split(pattern, "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def gpt2():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


FAMILIES = {  # pre-tokenizer, form C, ignores merges, user-defined tokens
    "gpt-2": (gpt2(), False, False, []),
    "phi-2": (gpt2(), False, False, [" " * n for n in range(9, 1, -1)] + ["\t" * n for n in range(5, 1, -1)]),
    "smollm": (pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), gpt2()]), False, False, []),
    "llama-bpe": (words_and_bytes(3), False, True, []),
    "qwen2": (words_and_bytes(1), True, False, ["<tool_call>", "</tool_call>"]),
}


def corpus():
    return [text[:300000] for text in tokenizer_strings.documents()]


def write_hashes(name, kind, ids_of_strings):
    out = bytearray()
    for ids in ids_of_strings:
        value = 0x811C9DC5
        for byte in struct.pack(f"<{len(ids)}i", *ids):
            value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
        out += struct.pack("<I", value)
    (OUT / f"{name}.{kind}.ids").write_bytes(out)


def make_byte_level(name, strings):
    pre, is_nfc, ignores_merges, user_defined = FAMILIES[name]
    trained = tokenizers.Tokenizer(models.BPE())
    trained.pre_tokenizer = pre
    # Without a whole alphabet for SmolLM, as in its real vocabulary, which spells 235 of 256 bytes.
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())[: 230 if name == "smollm" else 256]
    trained.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=1800, initial_alphabet=alphabet,
                                                              limit_alphabet=256, show_progress=False))
    definition = json.loads(trained.to_str())
    vocab = definition["model"]["vocab"]
    if ignores_merges:
        definition["model"]["ignore_merges"] = True
        for word in ["\u0120throughout", "hydro", "123", "\u0120\u0120\u0120", "'ll"]:
            vocab.setdefault(word, len(vocab))
    if is_nfc:
        definition["normalizer"] = {"type": "NFC"}
    for text in SPECIALS + user_defined:
        definition["added_tokens"].append({
            "id": len(vocab) + len(definition["added_tokens"]), "content": text, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False, "special": text in SPECIALS})
    path = OUT / f"{name}.json"
    path.write_text(json.dumps(definition))
    tokenizer_gguf.from_tokenizer_json(path, OUT / f"{name}.gguf", name)
    path.unlink()
    for kind, special in (("plain", False), ("special", True)):
        reference = tokenizer_gguf.hugging_face(definition, special, name)
        write_hashes(name, kind, [e.ids for e in reference.encode_batch(strings, add_special_tokens=False)])


def make_sentencepiece(name, strings, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(line for text in corpus() for line in text.splitlines() if line), model_writer=model,
        model_type="bpe", vocab_size=1800, normalization_rule_name="identity", remove_extra_whitespaces=False,
        num_threads=1, minloglevel=2, **options)
    path = OUT / f"{name}.model"
    path.write_bytes(model.getvalue())
    reference = tokenizer_gguf.from_sentencepiece(path, OUT / f"{name}.gguf")
    path.unlink()
    write_hashes(name, "plain", reference.encode(strings))


def make_normal_forms():
    rng = random.Random(5)
    nfd, nfc = normalizers.NFD(), normalizers.NFC()
    active = [chr(c) for c in range(0x300, 0x30000) if not 0xD800 <= c <= 0xDFFF and not 0xAC00 <= c <= 0xD7A3
              and (nfd.normalize_str(chr(c)) != chr(c) or nfd.normalize_str("a\u0345" + chr(c))[1] != "\u0345")]
    active += [chr(c) for c in [*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A7, 0x11C3)]] * 3
    starters = list("aeoAEUcnsyz \u00e9\u03b1\u0915\u09c7\u0dd9\u304b\uac00\uac01\u1100\U0001D157")
    out = bytearray()
    for _ in range(4000):
        text = "".join(rng.choice(active if rng.random() < 0.7 else starters) for _ in range(rng.randint(1, 8)))
        if rng.random() < 0.3:
            text = nfd.normalize_str(text)
        for part in (text.encode(), nfc.normalize_str(text).encode()):
            out += struct.pack("<I", len(part)) + part
    (OUT / "normal_forms.bin").write_bytes(out)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    strings = tokenizer_strings.strings(N_STRINGS, seed=3)
    encoded = [s.encode() for s in strings]
    (OUT / "strings.bin").write_bytes(b"".join(struct.pack("<I", len(s)) + s for s in encoded))
    for name in FAMILIES:
        make_byte_level(name, strings)
    user = ["\n", "\n\n", "\n\n\n", "\u2581\u2581", "\u2581\u2581\u2581", "\t\t", "<table>", "<h1>", "</h1>", "[IMG]"]
    make_sentencepiece("llama-spm", strings, byte_fallback=True, character_coverage=0.995)
    make_sentencepiece("gemma-spm", strings, byte_fallback=True, character_coverage=0.995, add_dummy_prefix=False,
                       user_defined_symbols=user)
    make_sentencepiece("user-spm", strings, byte_fallback=True, character_coverage=0.99, user_defined_symbols=user)
    make_sentencepiece("unknown-spm", strings, byte_fallback=False, character_coverage=0.99)
    make_normal_forms()


if __name__ == "__main__":
    main()
