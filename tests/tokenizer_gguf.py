"""GGUF files that hold only a tokenizer, made from the reference libraries' files, and the other way round."""
import copy
import json

import gguf
from gguf import TokenType


def write(path, model, tokens, types, scores=None, merges=None, **more):
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_tokenizer_model(model)
    writer.add_token_list(tokens)
    writer.add_token_types([int(t) for t in types])
    if scores is not None:
        writer.add_token_scores(scores)
    if merges is not None:
        writer.add_token_merges(merges)
    for key, value in more.items():
        key = f"tokenizer.ggml.{key}"
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        else:
            writer.add_string(key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def merge_texts(model):
    return [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]


def is_sentencepiece(tokenizer):
    return tokenizer["model"].get("byte_fallback", False)


def phi2_added_tokens():
    """Runs of white space, as microsoft/phi-2 adds them to GPT-2's vocabulary: ids 50257 on."""
    texts = [" " * n for n in range(31, 1, -1)] + ["\t" * n for n in range(9, 1, -1)]
    return [{"id": 50257 + i, "content": t, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": True, "special": False} for i, t in enumerate(texts)]


def with_family(tokenizer, name):
    if name == "phi-2" and len(tokenizer["added_tokens"]) == 1:
        tokenizer = copy.deepcopy(tokenizer)
        tokenizer["added_tokens"] += phi2_added_tokens()
    return tokenizer


def from_tokenizer_json(path, target, name):
    tokenizer = with_family(json.loads(path.read_text()), name)
    vocab = tokenizer["model"]["vocab"]
    added = {t["id"]: t for t in tokenizer["added_tokens"]}
    size = max(max(vocab.values()), max(added, default=0)) + 1
    tokens = [f"[PAD{i}]" for i in range(size)]
    types = [TokenType.UNUSED] * size
    for text, i in vocab.items():
        tokens[i], types[i] = text, TokenType.NORMAL
        if is_sentencepiece(tokenizer) and len(text) == 6 and text.startswith("<0x"):
            types[i] = TokenType.BYTE
    for i, token in added.items():
        # As converters do: an added token of SentencePiece's spaces matches spaces.
        tokens[i] = token["content"].replace("\u2581", " ") if is_sentencepiece(tokenizer) else token["content"]
        types[i] = TokenType.CONTROL if token["special"] else TokenType.USER_DEFINED
    if not is_sentencepiece(tokenizer):
        write(target, "gpt2", tokens, types, merges=merge_texts(tokenizer["model"]), pre=name, add_bos_token=False)
        return
    unknown = vocab[tokenizer["model"]["unk_token"]]
    types[unknown] = TokenType.UNKNOWN
    scores = [-1e9] * size
    for rank, merge in reversed(list(enumerate(tokenizer["model"]["merges"]))):
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        scores[vocab[left + right]] = float(-rank)
    normalizer = json.dumps(tokenizer["normalizer"])
    write(target, "llama", tokens, types, scores=scores, add_bos_token=False,
          unknown_token_id=unknown, add_space_prefix="Prepend" in normalizer)


def hugging_face(tokenizer, special, name):
    """The reference; without `special`, one that does not know control tokens."""
    import tokenizers
    tokenizer = copy.deepcopy(with_family(tokenizer, name))
    if not special:
        # Added tokens that are in no vocabulary must keep their ids, so that only whole runs at the end may go.
        tokenizer["added_tokens"] = [t for t in tokenizer["added_tokens"] if not t["special"]]
        used = {t["id"]: t["content"] for t in tokenizer["added_tokens"]}
        vocab = tokenizer["model"]["vocab"]
        for i, text in used.items():
            vocab.setdefault(text, i)
    return tokenizers.Tokenizer.from_str(json.dumps(tokenizer))


def from_sentencepiece(path, target):
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as pb
    model = pb.ModelProto()
    model.ParseFromString(path.read_bytes())
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    write(target, "llama", [p.piece for p in model.pieces], [p.type for p in model.pieces],
          scores=[p.score for p in model.pieces], unknown_token_id=processor.unk_id(), bos_token_id=processor.bos_id(),
          add_bos_token=False, add_space_prefix=model.normalizer_spec.add_dummy_prefix,
          remove_extra_whitespaces=model.normalizer_spec.remove_extra_whitespaces)
    return processor


def sentencepiece_of(tokens, types, scores, add_space_prefix):
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as pb
    model = pb.ModelProto()
    for text, kind, score in zip(tokens, types, scores):
        text = text.replace(" ", "\u2581") if kind == TokenType.USER_DEFINED else text
        model.pieces.add(piece=text, type=int(kind), score=float(score))
    model.trainer_spec.model_type = pb.TrainerSpec.BPE
    model.trainer_spec.byte_fallback = True
    model.trainer_spec.vocab_size = len(tokens)
    unknown = next(i for i, kind in enumerate(types) if kind == TokenType.UNKNOWN)
    model.trainer_spec.unk_id, model.trainer_spec.unk_piece = unknown, tokens[unknown]
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = add_space_prefix
    model.normalizer_spec.remove_extra_whitespaces = False
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())


SMOLLM_PRE = {"type": "Sequence", "pretokenizers": [
    {"type": "Digits", "individual_digits": True},
    {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]}


def reference_of_gguf(path):
    """The model kind and a reference made from a GGUF file's own vocabulary; byte-level ones as SmolLM2."""
    import tokenizers
    fields = gguf.GGUFReader(str(path)).fields
    value = lambda key: fields["tokenizer.ggml." + key].contents()
    tokens, types = value("tokens"), value("token_type")
    if value("model") == "gpt2":
        assert value("pre") == "smollm", "only SmolLM's pre-tokenizer is known here"
        tokenizer = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
                     "pre_tokenizer": SMOLLM_PRE, "post_processor": None, "decoder": None,
                     "model": {"type": "BPE", "vocab": {t: i for i, t in enumerate(tokens)}, "merges": value("merges")}}
        return "gpt2", tokenizers.Tokenizer.from_str(json.dumps(tokenizer))
    if TokenType.UNKNOWN not in types:
        types[value("unknown_token_id")] = TokenType.UNKNOWN
    return "llama", sentencepiece_of(tokens, types, value("scores"), value("add_space_prefix"))
