#!/usr/bin/env python3
"""Tiny random models and their reference logits: make_model_fixtures.py [NAME...]

Writes tests/data/models/NAME/ as a Hugging Face folder (config.json, model.safetensors) with
expected.safetensors: `tokens` [96] and `logits` [96, n_vocab], both f32. The first 64 tokens ran as
one prompt, the other 32 one by one with the cache, in f32 with eager attention.

Needs torch and transformers (made with 2.15 and 5.23, on CPU). Weights are rounded to the stored type
before the logits are computed. Contexts and windows are shorter than the sequence on purpose.
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers as hf
from safetensors.torch import save_file

N_PROMPT, N_DECODE, N_VOCAB = 64, 32, 128
OUT = pathlib.Path(__file__).parent / "data" / "models"
BASE = dict(vocab_size=N_VOCAB, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=128, bos_token_id=1, eos_token_id=2, pad_token_id=0,
            tie_word_embeddings=False)
HEAD = dict(head_dim=16)


def rope(kind, theta=10000.0, **rest):
    return dict(rope_type=kind, rope_theta=theta, **rest)


def llama(**rest):
    return hf.LlamaConfig(**{**BASE, **HEAD, "rms_norm_eps": 1e-5, **rest})


def gemma3_text(n_layers):
    return dict(BASE, **HEAD, num_hidden_layers=n_layers, tie_word_embeddings=True, query_pre_attn_scalar=24,
                sliding_window=16, layer_types=["full_attention" if i % 3 == 2 else "sliding_attention"
                                                for i in range(n_layers)],
                rope_parameters={"full_attention": rope("linear", 50000.0, factor=4.0),
                                 "sliding_attention": rope("default", 5000.0)})


def phi3(**rest):
    return hf.Phi3Config(**{**BASE, "hidden_size": 64, "rms_norm_eps": 1e-5, **rest})


def longrope(original):
    return rope("longrope", short_factor=[1.0 + 0.05 * i for i in range(8)],
                long_factor=[1.2 + 0.7 * i for i in range(8)], original_max_position_embeddings=original)


FIXTURES = {
    "llama": llama,
    "llama3_rope": lambda: llama(rope_parameters=rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                                      original_max_position_embeddings=64)),
    "llama_linear_rope": lambda: llama(attention_bias=True, mlp_bias=True, rope_parameters=rope("linear", factor=4.0)),
    "llama_yarn_rope": lambda: llama(rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=32)),
    "mistral": lambda: hf.MistralConfig(**BASE, **HEAD, sliding_window=20),
    "smollm2": lambda: llama(tie_word_embeddings=True, num_attention_heads=3, num_key_value_heads=1, hidden_size=48),
    "mixtral": lambda: hf.MixtralConfig(**{**BASE, "intermediate_size": 32}, **HEAD, num_local_experts=4,
                                        num_experts_per_tok=2),
    "qwen2": lambda: hf.Qwen2Config(**{**BASE, "hidden_size": 64}, use_sliding_window=False,
                                    rope_parameters=rope("default", 100000.0)),
    "qwen2_window": lambda: hf.Qwen2Config(**{**BASE, "hidden_size": 64}, use_sliding_window=True, sliding_window=20,
                                           max_window_layers=1),
    "qwen3": lambda: hf.Qwen3Config(**BASE, **HEAD, rope_parameters=rope("default", 100000.0)),
    "qwen3moe": lambda: hf.Qwen3MoeConfig(**BASE, **HEAD, moe_intermediate_size=32, num_experts=6,
                                          num_experts_per_tok=3, norm_topk_prob=True),
    "qwen3moe_raw_weights": lambda: hf.Qwen3MoeConfig(**{**BASE, "num_hidden_layers": 1}, **HEAD, num_experts=4,
                                                      moe_intermediate_size=32, num_experts_per_tok=2,
                                                      norm_topk_prob=False),
    "gemma2": lambda: hf.Gemma2Config(**{**BASE, "num_hidden_layers": 3, "tie_word_embeddings": True}, **HEAD,
                                      query_pre_attn_scalar=24, sliding_window=16, attn_logit_softcapping=4.0,
                                      final_logit_softcapping=12.0),
    "gemma3": lambda: hf.Gemma3TextConfig(**gemma3_text(6)),
    "gemma3_multimodal": lambda: hf.Gemma3Config(
        text_config=gemma3_text(3), mm_tokens_per_image=4,
        vision_config=dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
                           image_size=16, patch_size=8)),
    "phi2": lambda: hf.PhiConfig(**{**BASE, "hidden_size": 64, "intermediate_size": 256, "num_key_value_heads": 4},
                                 hidden_act="gelu_new", rope_parameters=rope("default", partial_rotary_factor=0.5)),
    "phi3": lambda: phi3(sliding_window=20),
    "phi3_long": lambda: phi3(rope_parameters=longrope(32), original_max_position_embeddings=32),
    "phi3_short": lambda: phi3(rope_parameters=longrope(96), original_max_position_embeddings=96),
}
STORED_AS = {"qwen2": torch.bfloat16, "gemma3": torch.bfloat16, "llama": torch.float32}


def randomize(model, generator, dtype):
    adds_one = "gemma" in model.config.model_type
    for name, parameter in model.named_parameters():
        values = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 1:
            centre = 1.0 if "norm" in name and name.endswith("weight") and not adds_one else 0.0
            values = centre + 0.3 * values
        else:
            is_embedding = "embed_tokens" in name
            gain = 1.0 if is_embedding else 3.0 if "lm_head" in name else 2.0 if ".q_proj" in name else 1.3
            values = gain * values / (parameter.shape[-1] ** 0.5)
        parameter.data = values.to(dtype).float()


def logits_of(model, tokens):
    with torch.no_grad():
        step = model(input_ids=tokens[:, :N_PROMPT], use_cache=True)
        rows = [step.logits[0]]
        for i in range(N_PROMPT, N_PROMPT + N_DECODE):
            step = model(input_ids=tokens[:, i:i + 1], past_key_values=step.past_key_values, use_cache=True)
            rows.append(step.logits[0])
    return torch.cat(rows)


def make(name):
    config = FIXTURES[name]()
    dtype = STORED_AS.get(name, torch.float16)
    config._attn_implementation = "eager"
    model = hf.AutoModelForImageTextToText.from_config(config, attn_implementation="eager") \
        if name == "gemma3_multimodal" else hf.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    randomize(model, generator, dtype)
    model = model.float().eval()
    tokens = torch.randint(3, N_VOCAB, (1, N_PROMPT + N_DECODE), generator=generator)
    logits = logits_of(model, tokens)
    spread = (logits.max() - logits.min()).item()
    with torch.no_grad():
        whole = model(input_ids=tokens).logits[0]
    if not torch.isfinite(logits).all() or spread < 5:
        sys.exit(f"{name}: logits span {spread}")
    if (drift := ((whole - logits).abs().max() / spread).item()) > 2e-5 and name != "phi3_short":
        sys.exit(f"{name}: the cached run is {drift} of the range off the whole one")

    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.to(dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    save_file({"tokens": tokens[0].float(), "logits": logits.contiguous()}, folder / "expected.safetensors")
    n_bytes = sum(path.stat().st_size for path in folder.iterdir())
    rope_type = json.loads((folder / "config.json").read_text()).get("rope_parameters", {})
    print(f"{name}: {n_bytes >> 10} KiB, logits span {spread:.1f}, cached - whole {drift:.1e}, {rope_type}")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or FIXTURES:
        make(chosen)
