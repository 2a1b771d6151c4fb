"""Seeded strings of every kind that a tokenizer meets, for make_tokenizer_fixtures.py and
compare_tokenizers.py. All are valid UTF-8."""
import gzip
import json
import os
import pathlib
import random

SHARED_DATA = pathlib.Path(os.environ.get("HEARTH_SHARED_DATA", "/nonexistent"))

PROSE = """It was a bright cold day in April, and the clocks weren't striking thirteen; she'd said they'll
be late. "Who's there?" asked the clerk's friend, who'd come by the 10:45 train. Nobody'd answered - I'm sure you've
heard it before. The well-known author (born 1903) can't have meant that, could he? Prices rose 3.14% to $1,299.99!
Der schnelle braune Fuchs springt über den faulen Hund. Le cœur a ses raisons que la raison ne connaît point.
El niño comió piñas; ¿dónde está la biblioteca? Съешь же ещё этих мягких французских булок. 素早い茶色の狐はのろまな犬を飛び越える。
我能吞下玻璃而不伤身体。나는 유리를 먹을 수 있어요. أنا قادر على أكل الزجاج. मैं काँच खा सकता हूँ. ฉันกินกระจกได้"""

CODE = r"""
def fib(n: int) -> int:
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)  # O(2^n)

#include <vector>
template <class T> T* find(std::vector<T>& v, const T& x) { for (auto& e : v) if (e == x) return &e; return nullptr; }
\tSELECT a.id, COUNT(*) FROM t1 AS a JOIN t2 b ON a.id=b.id WHERE a.name LIKE '%x_' GROUP BY 1;
<div class="row"><p>&nbsp;Hello</p></div><!-- comment -->
{"key": [1, 2.5e-10, null, true], "nested": {"\u00e9": "\n"}}
x = 0xDEADBEEF; y = x >>> 3; s = `a${y}b`; if (x!==y && !z) {}
"""

SCRIPTS = [
    (0x41, 0x7A), (0xC0, 0x24F), (0x250, 0x2AF), (0x370, 0x3FF), (0x400, 0x4FF), (0x530, 0x58F), (0x590, 0x5FF),
    (0x600, 0x6FF), (0x700, 0x74F), (0x780, 0x7BF), (0x7C0, 0x7FF), (0x900, 0x97F), (0x980, 0x9FF), (0xA00, 0xA7F),
    (0xA80, 0xAFF), (0xB00, 0xB7F), (0xB80, 0xBFF), (0xC00, 0xC7F), (0xC80, 0xCFF), (0xD00, 0xD7F), (0xD80, 0xDFF),
    (0xE00, 0xE7F), (0xE80, 0xEFF), (0xF00, 0xFFF), (0x1000, 0x109F), (0x10A0, 0x10FF), (0x1100, 0x11FF),
    (0x1200, 0x137F), (0x13A0, 0x13FF), (0x1400, 0x167F), (0x1780, 0x17FF), (0x1800, 0x18AF), (0x1E00, 0x1FFF),
    (0x3040, 0x30FF), (0x3100, 0x312F), (0x4E00, 0x9FFF), (0xA000, 0xA48F), (0xAC00, 0xD7A3), (0x10330, 0x1034F),
    (0x12000, 0x123FF), (0x1D400, 0x1D7FF), (0x1E900, 0x1E95F), (0x20000, 0x2A6DF),
]
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\r", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2028", "\x0b", "\x0c", "\x85", "\u2581", " \n", "\n ", "   "]
EMOJI = ["😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "1️⃣", "#️⃣", "❤️", "☺", "🧑🏿‍🚀", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🫠", "‍", "️", "©", "™"]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'RE", "'Ll", "'ſ", "’s", "''s", "'x", "'", "n't"]
SPECIALS = ["<s>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<bos>", "<end_of_turn>",
            "<start_of_turn>", "[INST]", "[/INST]", "<0x0A>", "<0x", "<|", "|>", "<tool_call>", "</tool_call>", "<table>",
            "<|begin_of_text|>", "<|im_start", "im_end|>", "<<s>>", "<|fim_prefix|>", "<unused1>", "<h1>", "</h1>", "[IMG]",
            "[multimodal]", "<|reserved_special_token_0|>"]


def documents():
    """Long texts: the shared ones where present, else those above."""
    texts = [PROSE, CODE]
    wikitext = SHARED_DATA / "wikitext2-test.txt"
    if wikitext.exists():
        texts.append(wikitext.read_text())
        texts.append((SHARED_DATA / "gsm8k-test.jsonl").read_text()[:400000])
        with gzip.open(SHARED_DATA / "HumanEval.jsonl.gz", "rt") as lines:
            texts.append("\n".join(json.loads(line)["prompt"] for line in lines))
    return texts


def character(rng):
    while True:
        c = rng.choice([rng.randrange(0x80), rng.randrange(0x800), rng.randrange(0x10000), rng.randrange(0x110000)])
        if not 0xD800 <= c <= 0xDFFF:
            return chr(c)


def script_text(rng):
    first, last = rng.choice(SCRIPTS)
    words = ["".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 9))) for _ in range(rng.randint(1, 8))]
    return rng.choice([" ", " ", "", "\n", ", "]).join(words)


def digits(rng):
    zero = rng.choice([0x30, 0x30, 0x30, 0x660, 0x966, 0xFF10, 0x2460, 0x2160])
    number = "".join(chr(zero + rng.randrange(10)) for _ in range(rng.randint(1, 14)))
    return rng.choice(["", " ", "-", "$", "v", "  "]) + number + rng.choice(["", ".5", "%", "th", ",000", " km"])


def combining(rng):
    marks = [0x300, 0x301, 0x308, 0x323, 0x327, 0x328, 0x345, 0x5B4, 0x64B, 0x94D, 0x3099, 0x1161, 0x11A8]
    base = rng.choice(["a", "e", "o", "A", "\u1100", "\uac00", "か", "क", "\u212b", "\u2126", "\u1e69", "\ufb2c", "fi"])
    return base + "".join(chr(rng.choice(marks)) for _ in range(rng.randint(0, 4)))


def piece(rng, texts):
    kind = rng.randrange(14)
    if kind <= 3:
        text = rng.choice(texts)
        at = rng.randrange(len(text))
        return text[at : at + rng.choice([5, 20, 80, 300])]
    if kind == 4:
        return script_text(rng)
    if kind == 5:
        return "".join(rng.choice(EMOJI) for _ in range(rng.randint(1, 4)))
    if kind == 6:
        return "".join(rng.choice(SPACES) for _ in range(rng.randint(1, 6)))
    if kind == 7:
        return digits(rng)
    if kind == 8:
        return rng.choice(["we", "DON", "é", "x ", ""]) + rng.choice(CONTRACTIONS) + rng.choice(["", "a", " ", "tion", "1"])
    if kind == 9:
        return "".join(character(rng) for _ in range(rng.randint(1, 12)))
    if kind == 10:
        return rng.choice(SPECIALS)
    if kind == 11:
        return combining(rng)
    if kind == 12:
        return bytes(rng.randrange(256) for _ in range(rng.randint(1, 12))).decode(rng.choice(["utf-8", "latin-1"]), "replace")
    c = rng.choice(["a", "ab", "x", " ", "\n", "\t", "=", "-", "é", "中", "😀", "0", "█", "ha", "\r\n", "_", "#"])
    return c * rng.choice([2, 3, 7, 16, 33, 70, 150])


def strings(count, seed):
    rng = random.Random(seed)
    texts = documents()
    made = ["", " ", "  ", "a", "\n", "\u2581", " \u2581a"]
    while len(made) < count:
        made.append("".join(piece(rng, texts) for _ in range(rng.choice([1, 1, 2, 3, 5]))))
    return made[:count]
