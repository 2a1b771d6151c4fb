#!/usr/bin/env python3
"""Writes fuzz/seeds/TARGET/*, small valid inputs to start each fuzzer from: make_seeds.py

The layout of each input is in the file comment of its fuzzer.
"""
import json
import pathlib
import struct

FUZZ = pathlib.Path(__file__).resolve().parent
STRING, ARRAY, UINT32, INT32, FLOAT32, BOOL = 8, 9, 4, 5, 6, 7

TEMPLATES = {
    "chatml": """{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + (m['content'] or '') | string | trim
+ '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}""",
    "tools": """{%- macro show(call) -%}{{ call.name }}({% for k, v in call.arguments.items() | sort %}{{ k }}=
{{- v | tojson }}{{ ', ' if not loop.last }}{% endfor %}){%- endmacro -%}
{% set ns = namespace(n=0) %}{% for m in messages %}{% for call in m.tool_calls or [] %}{% set ns.n = ns.n + 1 %}
{{- show(call.function) }}{% endfor %}{% endfor %}{{ ns.n }}{{ tools | map(attribute='function.name') | join(',') }}""",
    "checks": """{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}{% endif %}{% for m in rest %}
{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles: ' ~ m.role) }}{% endif %}
{% endfor %}{{ strftime_now('%d %B %Y') }}{{ '%s|%5.1f' % ('a', 2.25) }}{{ '{:>6}'.format(3) }}""",
    "slices": """{{ bos_token }}{% for m in messages[::-1] if m.content is string %}{{ loop.index }}
{{- m.content.split('\\n')[0].upper()[:9] | e }}{% break %}{% else %}none{% endfor %}{{ range(3) | list | tojson }}""",
}


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def entry(key, kind, raw):
    return text(key) + struct.pack("<I", kind) + raw


def array(key, kind, items):
    return entry(key, ARRAY, struct.pack("<IQ", kind, len(items)) + b"".join(items))


def gguf(entries, tensors=()):
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)) + b"".join(entries)
    data = b""
    for name, dims, kind, raw in tensors:
        head += text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, len(data))
        data += raw + bytes(-len(raw) % 32)
    return head + bytes(-len(head) % 32) + data if tensors else head


def gguf_seeds():
    entries = [
        entry("general.architecture", STRING, text("llama")),
        entry("llama.block_count", UINT32, struct.pack("<I", 1)),
        array("tokenizer.ggml.tokens", STRING, [text("a"), text("")]),
        array("llama.feed_forward_length", INT32, [struct.pack("<i", 64)]),
    ]
    yield "small", gguf(entries, [("a.weight", [32, 2], 8, bytes(68)), ("b.bias", [3], 0, struct.pack("<3f", 1, 2, 3))])
    yield "empty", gguf([])


def safetensors_seeds():
    header = json.dumps({"__metadata__": {"format": "pt"}, "a": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]},
                         "b": {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]}}).encode()
    yield "file", b"\x01" + struct.pack("<Q", len(header)) + header + bytes(16)
    index = {"metadata": {"total_size": 16}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}
    yield "index", b"\x00" + json.dumps(index).encode()


def tokenizer_input(entries, sentence):
    metadata = b"".join(entries)
    return struct.pack(">HB", len(metadata), len(entries)) + metadata + sentence.encode()


def tokenizer_seeds():
    words = ["a", "b", "ab", "\u0120", "\u0120a", "<|end|>"]
    yield "byte_level", tokenizer_input([
        entry("tokenizer.ggml.model", STRING, text("gpt2")),
        entry("tokenizer.ggml.pre", STRING, text("llama-bpe")),
        array("tokenizer.ggml.tokens", STRING, [text(word) for word in words]),
        array("tokenizer.ggml.token_type", INT32, [struct.pack("<i", kind) for kind in (1, 1, 1, 1, 1, 3)]),
        array("tokenizer.ggml.merges", STRING, [text("a b"), text("\u0120 a")]),
    ], "ab a<|end|> caf\u00e9 12345")
    words = ["<unk>", "<s>", "</s>", "<0x0A>", "\u2581", "a", "\u2581a", "aa"]
    yield "sentencepiece", tokenizer_input([
        entry("tokenizer.ggml.model", STRING, text("llama")),
        array("tokenizer.ggml.tokens", STRING, [text(word) for word in words]),
        array("tokenizer.ggml.scores", FLOAT32, [struct.pack("<f", -i) for i in range(len(words))]),
        array("tokenizer.ggml.token_type", INT32, [struct.pack("<i", kind) for kind in (2, 3, 3, 6, 1, 1, 1, 1)]),
        entry("tokenizer.ggml.add_bos_token", BOOL, b"\x01"),
    ], "aa a\n a")


def template_seeds():
    for name, source in TEMPLATES.items():
        yield name, source.encode()
    variables = {"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": True}
    yield "with_variables", TEMPLATES["chatml"].encode() + b"\0" + json.dumps(variables).encode()


def schema_seeds():
    schema = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}, "b": {"enum": [1, None, "x"]},
                                               "c": {"type": "array", "items": {"$ref": "#/$defs/n"}, "maxItems": 2}},
              "required": ["a"], "additionalProperties": False, "$defs": {"n": {"type": "integer", "minimum": 0}}}
    yield "object", b"\x00\x01\x02\x03" + json.dumps(schema).encode()


def answer_seeds():
    texts = {"hermes": '<think>\nwhy\n</think>\nSo:\n<tool_call>\n{"name": "a", "arguments": {"n": [1, "b"]}}\n</tool_call>',
             "mistral": '[TOOL_CALLS][{"name": "a", "arguments": {"s": "x"}}]',
             "tags": "<tool_call>\n<function=a>\n<parameter=n>\n7\n</parameter>\n</function>\n</tool_call>",
             "keys": "<tool_call>a\n<arg_key>n</arg_key>\n<arg_value>7</arg_value>\n</tool_call>",
             "harmony": '<|channel|>commentary to=functions.a<|message|>{"n": 7}',
             "python": "<|tool_call_start|>[a(n=7, s='x', t=(1, None))]<|tool_call_end|>",
             "gemma": '<|tool_call>call:a{n:7,s:<|"|>x<|"|>}<tool_call|>'}
    for row, (name, answer) in enumerate(texts.items()):
        yield name, bytes([(0, 1, 18, 20, 17, 28, 29)[row], row]) + answer.encode()


def quant_seeds():
    for index in (0, 2, 7, 11, 29):  # in the order of quant::all_types()
        yield f"type_{index}", bytes([index]) + bytes(range(256))[:210] * 2


def main():
    for target, seeds in (("gguf", gguf_seeds), ("safetensors", safetensors_seeds), ("tokenizer", tokenizer_seeds),
                          ("template", template_seeds), ("schema", schema_seeds), ("quant", quant_seeds),
                          ("answer", answer_seeds)):
        folder = FUZZ / "seeds" / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in seeds():
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
