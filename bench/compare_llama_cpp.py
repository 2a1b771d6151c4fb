#!/usr/bin/env python3
"""The answers of Hearth beside those of llama.cpp on the same file. (Speed: hearth bench --vs llama.cpp.)

  compare_llama_cpp.py quality MODEL.gguf --text wikitext2-test.txt
  compare_llama_cpp.py continuations MODEL.gguf --out FILE.json [--exact]

Needs the Python packages llama-cpp-python, gguf and numpy, and a release build. Prints JSON.

quality: perplexity over the first 20,000 characters in windows of 512 (the second half of each window is
scored, as llama-perplexity does), and greedy continuations of 20 prompts, 64 tokens each, of Hearth, of llama.cpp
with its flash attention and without it ("flash", "plain"), and of both programs, llama.cpp plain, on the same weights
written out as F32 ("exact", "hearth exact"), so that nothing but the file's own rounding is left. Says how far the first
token's logits of each pair lie apart (root mean square over Hearth's 16 likeliest, mean over the prompts and 40
paragraphs of the text), how many continuations each pair has in common and, where Hearth's differs from "flash", and
where "hearth exact" differs from "exact", the step and by how much each prefers the peer's token to Hearth's there. The
F32 file goes to a temporary folder.
continuations: llama.cpp's ("flash", or with --exact "exact") as tests/real_model_test.py takes them.
"""
import argparse
import ctypes
import itertools
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

HEARTH = pathlib.Path(__file__).resolve().parent.parent / "build/release/bin/hearth"
PROMPTS = [
    "The capital of France is", "Once upon a time there was a", "def fibonacci(n):", "The three laws of motion are",
    "In 1969, the first humans", "To make bread you need", "The mitochondria is", "Dear Sir or Madam,",
    "1, 2, 3, 4, 5,", "The best way to learn a language is", "Water boils at", "SELECT name FROM users WHERE",
    "The quick brown fox", "Photosynthesis is the process by which", "#include <stdio.h>\n\nint main() {",
    "My favourite book is", "The history of the Roman Empire", "Q: What is the largest planet?\nA:",
    "If it rains tomorrow, we will", "Artificial intelligence will",
]


class Peer:
    """A model in llama.cpp through its C interface, so that nothing of the Python wrapper is timed."""

    def __init__(self, path, n_ctx, threads, flash=None):
        import llama_cpp as lib
        self.lib = lib
        lib.llama_backend_init()
        quiet = lib.llama_log_callback(lambda *_: None)
        lib.llama_log_set(quiet, ctypes.c_void_p(0))
        self.keep = quiet
        self.model = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
        if not self.model:
            sys.exit(f"llama.cpp cannot load {path}")
        self.vocab = lib.llama_model_get_vocab(self.model)
        self.n_vocab = lib.llama_vocab_n_tokens(self.vocab)
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = n_ctx, n_ctx, min(n_ctx, 512)
        params.n_threads = params.n_threads_batch = threads
        if flash is not None:
            params.flash_attn_type = int(flash)
        self.context = lib.llama_init_from_model(self.model, params)
        self.clear()

    def clear(self):
        self.lib.llama_memory_clear(self.lib.llama_get_memory(self.context), True)
        self.n_past = 0

    def tokenize(self, text, special=True):
        data = text.encode()
        room = (self.lib.llama_token * (len(data) + 16))()
        n = self.lib.llama_tokenize(self.vocab, data, len(data), room, len(room), special, False)
        return list(room[:n])

    def decode(self, tokens, every_logit):
        lib, batch = self.lib, self.lib.llama_batch_init(len(tokens), 0, 1)
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, self.n_past + i, 1
            batch.seq_id[i][0], batch.logits[i] = 0, every_logit or i == len(tokens) - 1
        status = lib.llama_decode(self.context, batch)
        lib.llama_batch_free(batch)
        if status != 0:
            sys.exit(f"llama_decode: {status}")
        self.n_past += len(tokens)

    def logits(self, i):
        return np.ctypeslib.as_array(self.lib.llama_get_logits_ith(self.context, i), (self.n_vocab,)).astype(np.float64)


def log_prob(logits, token):
    top = logits.max()
    return logits[token] - top - math.log(np.exp(logits - top).sum())


def peer_perplexity(peer, text, n_ctx):
    tokens = peer.tokenize(text)
    add_bos = peer.lib.llama_vocab_get_add_bos(peer.vocab)
    scores = []
    for begin in range(0, len(tokens) - n_ctx + 1, n_ctx):
        window = tokens[begin:begin + n_ctx]
        given = [peer.lib.llama_vocab_bos(peer.vocab), *window[1:]] if add_bos else window
        peer.clear()
        peer.decode(given, True)
        scores += [-log_prob(peer.logits(i), window[i + 1]) for i in range(n_ctx // 2, n_ctx - 1)]
    return math.exp(statistics.fmean(scores)), len(scores)


def peer_greedy(peer, prompt, n):
    peer.clear()
    peer.decode(peer.tokenize(prompt), False)
    tokens = []
    while len(tokens) < n:
        logits = peer.logits(-1)
        first = int(np.argmax(logits))
        tokens.append(first)
        if peer.lib.llama_vocab_is_eog(peer.vocab, first):
            break
        peer.decode([first], False)
    return tokens


def hearth(*args):
    done = subprocess.run([HEARTH, *map(str, args)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"hearth {' '.join(map(str, args))}: {done.stderr}")
    return json.loads(done.stdout)


def write_f32(source, target):
    subprocess.run([HEARTH, "convert", source, target, "--type", "f32"], check=True, stderr=subprocess.DEVNULL)


def is_same(one, other):
    """Which token ends an answer may be listed or not."""
    n = min(len(one), len(other))
    return one[:n] == other[:n] and abs(len(one) - len(other)) <= 1


def preference(peer, tokens, one, other):
    peer.clear()
    peer.decode(tokens, False)
    logits = peer.logits(-1)
    return round(float(logits[one] - logits[other]), 4)


def hearth_greedy(model, prompt):
    return hearth("run", model, prompt, "--raw", "--temp", 0, "-n", 64, "--json")["tokens"]


def hearth_logprobs(model, prompt, n):
    """Of the n likeliest first tokens; none where the text ends at once."""
    shown = hearth("run", model, prompt, "--raw", "--temp", 0, "-n", 1, "--logprobs", n, "--json")["logprobs"]
    return {one["token"]: one["logprob"] for one in shown[0]["top"]} if shown else {}


def first_logits(peers, models, prompt):
    """Logits of Hearth's 16 likeliest first tokens as each sees them, less their mean; None where the text ends at once."""
    found, tokens = {}, list(hearth_logprobs(models["hearth"], prompt, 16))
    if not tokens:
        return None
    for name, model in models.items():
        seen = hearth_logprobs(model, prompt, 1000)
        found[name] = [seen[token] for token in tokens]
    for name, peer in peers.items():
        peer.clear()
        peer.decode(peer.tokenize(prompt), False)
        found[name] = peer.logits(-1)[tokens]
    return {name: logits - np.mean(logits) for name, logits in found.items()}


def logit_distances(peers, models, text):
    paragraphs = [line.strip()[:200] for line in text.split("\n") if len(line) > 300 and "<" not in line][:40]
    rows = [row for prompt in PROMPTS + paragraphs if (row := first_logits(peers, models, prompt))]
    return {pair: statistics.fmean(np.sqrt(np.mean((row[pair[0]] - row[pair[1]]) ** 2)) for row in rows)
            for pair in itertools.combinations([*peers, *models], 2)}


def differences(peers, continuations, theirs_name, mine_name):
    differing = []
    for prompt, theirs, mine in zip(PROMPTS, continuations[theirs_name], continuations[mine_name]):
        step = next((i for i, (a, b) in enumerate(zip(theirs, mine)) if a != b), None)
        if step is not None:
            before = peers[theirs_name].tokenize(prompt) + theirs[:step]
            differing.append({"prompt": prompt, "step": step, "preference": {
                name: preference(peer, before, theirs[step], mine[step]) for name, peer in peers.items()}})
    return differing


def quality(options):
    with tempfile.TemporaryDirectory() as folder:
        return quality_in(pathlib.Path(folder), options)


def quality_in(folder, options):
    models = {"hearth": options.model, "hearth exact": folder / "f32.gguf"}
    write_f32(options.model, models["hearth exact"])
    peers = {"flash": Peer(options.model, 512, options.threads, True), "plain": Peer(options.model, 512, options.threads, False),
             "exact": Peer(models["hearth exact"], 512, options.threads, False)}
    text = pathlib.Path(options.text).read_text()[:20_000]
    (folder / "text").write_text(text)
    ours = {name: hearth("perplexity", model, "--file", folder / "text", "--ctx", 512, "--json") for name, model in models.items()}
    perplexities = {name: one["perplexity"] for name, one in ours.items()}
    for name, peer in peers.items():
        perplexities[name], n_tokens = peer_perplexity(peer, text, 512)
    continuations = {name: [peer_greedy(peer, prompt, 64) for prompt in PROMPTS] for name, peer in peers.items()}
    continuations |= {name: [hearth_greedy(model, prompt) for prompt in PROMPTS] for name, model in models.items()}
    distances = logit_distances(peers, models, pathlib.Path(options.text).read_text())
    pairs = {", ".join(pair): {"logit_distance": round(distance, 4),
                               "identical_continuations": sum(map(is_same, *(continuations[name] for name in pair)))}
             for pair, distance in distances.items()}
    return {"model": pathlib.Path(options.model).name, "perplexity": perplexities, "tokens": ours["hearth"]["tokens"],
            "peer_tokens": n_tokens, "pairs": pairs, "continuations": len(PROMPTS),
            "differing": differences(peers, continuations, "flash", "hearth"),
            "differing_exact": differences(peers, continuations, "exact", "hearth exact")}


def continuation_with_margins(peer, prompt):
    """Greedy tokens, and by how many logits each led the next one."""
    tokens = peer_greedy(peer, prompt, 64)
    peer.clear()
    given = peer.tokenize(prompt)
    peer.decode(given + tokens[:-1], True)
    margins = []
    for step in range(len(tokens)):
        second, first = np.sort(peer.logits(len(given) - 1 + step))[-2:]
        margins.append(round(float(first - second), 4))
    return {"prompt": prompt, "tokens": tokens, "margins": margins}


def continuations(options):
    with tempfile.TemporaryDirectory() as folder:
        model = options.model
        if options.exact:
            model = pathlib.Path(folder) / "f32.gguf"
            write_f32(options.model, model)
        peer = Peer(model, 512, options.threads, not options.exact)
        cases = [json.dumps(continuation_with_margins(peer, prompt)) for prompt in PROMPTS]
    pathlib.Path(options.out).write_text("[\n" + ",\n".join(cases) + "\n]\n")
    return {"written": options.out, "continuations": len(cases)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["quality", "continuations"])
    parser.add_argument("model")
    parser.add_argument("--text")
    parser.add_argument("--out")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    run = {"quality": quality, "continuations": continuations}[options.what]
    print(json.dumps(run(options), indent=1))


if __name__ == "__main__":
    main()
