"""A mock of the C interface that src/lab/llama_cpp_driver.cc uses, not llama.cpp: it checks what a real one would
trip over, and "takes" a second a token. The model file's text says how it behaves."""
import ctypes
import time

__version__ = "0.0.mock"
clock = 0.0
time.perf_counter = lambda: clock


class Fields:
    def __init__(self, **fields):
        self.__dict__.update(fields)


def llama_backend_init(): pass
def llama_log_callback(function): return function
def llama_log_set(callback, data): assert isinstance(data, ctypes.c_void_p)
def llama_model_default_params(): return Fields(n_gpu_layers=-1)
def llama_context_default_params(): return Fields(type_k=1, type_v=1)
def llama_get_memory(context): return context
def llama_model_get_vocab(model): return model
def llama_vocab_n_tokens(vocab): return 128
def llama_synchronize(context): context.is_done = True


def llama_model_load_from_file(path, params):
    assert params.n_gpu_layers == 0
    how = open(path).read()
    return None if how == "broken" else Fields(how=how)


def llama_init_from_model(model, params):
    assert params.n_ctx % params.n_seq_max == 0 and params.type_k == params.type_v
    return Fields(how=model.how, size=params.n_ctx // params.n_seq_max, lengths=[0] * params.n_seq_max, threads=0,
                  batch_size=params.n_batch, is_done=True)


def llama_free(context): context.lengths = None
def llama_set_n_threads(context, n, n_batch): context.threads = n; assert n == n_batch


def llama_batch_init(n, embd, n_seq_max):
    assert (embd, n_seq_max) == (0, 1)
    return Fields(n_tokens=0, token=[0] * n, pos=[0] * n, n_seq_id=[0] * n, seq_id=[[0] for _ in range(n)], logits=[0] * n)


def llama_memory_seq_rm(context, sequence, begin, end):
    assert end == -1
    if context.how == "forgets all" and begin > 0:
        return False
    context.lengths[sequence] = min(context.lengths[sequence], max(begin, 0))
    return True


def llama_decode(context, batch):
    global clock
    assert context.threads > 0 and context.is_done and 0 < batch.n_tokens <= context.batch_size
    for i in range(batch.n_tokens):
        sequence = batch.seq_id[i][0]
        assert batch.n_seq_id[i] == 1 and batch.pos[i] == context.lengths[sequence] < context.size
        assert batch.token[i] == (batch.pos[i] * 7919 + sequence * 104729 + 101) % 128
        context.lengths[sequence] += 1
    context.is_done = False
    clock += batch.n_tokens
    return 1 if context.how == "fails" else 0
