#include "lab/llama_cpp_driver.h"

namespace hearth::lab {

const char* const kLlamaCppDriver = R"python(
import sys
sys.path = [folder for folder in sys.path if folder]  # no module of the folder it is started in
import ctypes, json, os, time

ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the library prints is no answer


def say(**fields):
    answers.write(json.dumps(fields) + "\n")
    answers.flush()


import llama_cpp as lib

KV_TYPES = {"f32": 0, "f16": 1, "q8_0": 8}
N_BATCH = 2048  # rows a call, llama.cpp's default


class Racer:
    """One model; times calls of llama_decode alone, each with llama_synchronize."""

    def __init__(self, path, kv):
        lib.llama_backend_init()
        self.quiet = lib.llama_log_callback(lambda *_: None)
        lib.llama_log_set(self.quiet, ctypes.c_void_p(0))
        params = lib.llama_model_default_params()
        params.n_gpu_layers = 0
        self.model = lib.llama_model_load_from_file(path.encode(), params)
        if not self.model:
            raise RuntimeError("llama.cpp cannot load " + path)
        self.n_vocab = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self.model))
        self.kv, self.context, self.n_sequences, self.n_positions = KV_TYPES[kv], None, 0, 0
        self.batch = lib.llama_batch_init(N_BATCH, 0, 1)

    def open(self, n_sequences, n_positions, threads):
        if not (self.context and n_sequences == self.n_sequences and n_positions <= self.n_positions):
            self.make_context(n_sequences, n_positions)
        lib.llama_set_n_threads(self.context, threads, threads)

    def make_context(self, n_sequences, n_positions):
        self.free()
        size = -(-n_positions // 256) * 256
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_seq_max, params.n_batch = size * n_sequences, n_sequences, N_BATCH
        params.type_k = params.type_v = self.kv
        params.offload_kqv = params.op_offload = False
        self.context = lib.llama_init_from_model(self.model, params)
        if not self.context:
            raise RuntimeError(f"llama.cpp cannot make a context of {n_sequences} x {size} positions")
        self.n_sequences, self.n_positions = n_sequences, size
        self.memory = lib.llama_get_memory(self.context)
        self.length = [0] * n_sequences

    def decode(self, rows, wanted):
        """Seconds that (sequence, position) rows took; logits of the last `wanted`."""
        batch = self.batch
        batch.n_tokens = len(rows)
        for i, (sequence, position) in enumerate(rows):
            batch.token[i] = (position * 7919 + sequence * 104729 + 101) % self.n_vocab
            batch.pos[i], batch.n_seq_id[i], batch.seq_id[i][0] = position, 1, sequence
            batch.logits[i] = i >= len(rows) - wanted
            self.length[sequence] = position + 1
        start = time.perf_counter()
        status = lib.llama_decode(self.context, batch)
        lib.llama_synchronize(self.context)
        seconds = time.perf_counter() - start
        if status != 0:
            raise RuntimeError(f"llama_decode returned {status}")
        return seconds

    def extend(self, sequence, end, wanted):
        seconds = 0.0
        while self.length[sequence] < end:
            begin = self.length[sequence]
            rows = [(sequence, p) for p in range(begin, min(end, begin + N_BATCH))]
            seconds += self.decode(rows, wanted if rows[-1][1] + 1 == end else 0)
        return seconds

    def cut(self, sequence, length):
        if self.length[sequence] <= length:
            return
        if lib.llama_memory_seq_rm(self.memory, sequence, length, -1):
            self.length[sequence] = length
        else:  # a cache that forgets nothing but everything
            lib.llama_memory_seq_rm(self.memory, sequence, -1, -1)
            self.length[sequence] = 0

    def warm(self, begin):
        """Every sequence up to position `begin`, the last one before it computed anew."""
        last = max(begin, 1) - 1
        for sequence in range(self.n_sequences):
            self.cut(sequence, last)
            self.extend(sequence, last, 0)
        self.decode([(sequence, last) for sequence in range(self.n_sequences)], self.n_sequences)
        if begin == 0:
            self.cut(0, 0)

    def prompt(self, n, depth, threads):
        self.open(1, depth + n, threads)
        self.warm(depth)
        return self.extend(0, depth + n, 1)

    def generate(self, n_sequences, n, depth, threads):
        begin = max(depth, 1)
        self.open(n_sequences, begin + n, threads)
        self.warm(begin)
        rows = [[(sequence, p) for sequence in range(n_sequences)] for p in range(begin, begin + n)]
        return sum(self.decode(step, n_sequences) for step in rows)

    def run(self, ask):
        try:
            if ask["do"] == "prompt":
                return self.prompt(ask["n"], ask["depth"], ask["threads"])
            return self.generate(ask.get("sequences", 1), ask["n"], ask["depth"], ask["threads"])
        except Exception:
            self.free()
            raise

    def free(self):
        if self.context:
            lib.llama_free(self.context)
        self.context = None


say(version="llama-cpp-python " + lib.__version__)
racer = None
for line in sys.stdin:
    try:
        ask = json.loads(line)
        if ask["do"] == "load":
            racer = Racer(ask["model"], ask["kv"])
            say(loaded=True)
        else:
            say(seconds=racer.run(ask))
    except Exception as error:
        say(error=str(error) or type(error).__name__)
)python";

}  // namespace hearth::lab
