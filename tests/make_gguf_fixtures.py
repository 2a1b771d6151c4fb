#!/usr/bin/env python3
"""Makes tests/data/gguf with the gguf Python package (needs: gguf, numpy).

    tests/make_gguf_fixtures.py            writes the fixtures
    tests/make_gguf_fixtures.py --check F  prints the keys and tensors of F, as tests/gguf expects them

Files: v3.gguf (a value of every type, arrays of every type, tensors of some types), v2.gguf (the same as
version 2) and a model in two parts, split-0000N-of-00002.gguf. The listing of v3.gguf, as the gguf package
reads it back, is v3.txt.
"""
import argparse
import pathlib
import struct

import gguf
import numpy as np

FOLDER = pathlib.Path(__file__).parent / "data" / "gguf"
T = gguf.GGUFValueType
SCALARS = [
    (T.UINT8, 200), (T.INT8, -100), (T.UINT16, 60000), (T.INT16, -30000), (T.UINT32, 4000000000),
    (T.INT32, -2000000000), (T.UINT64, 2**63 + 1), (T.INT64, -2**62), (T.FLOAT32, 0.1), (T.FLOAT64, 0.1),
    (T.BOOL, True), (T.STRING, "héllo\nworld"),
]
ARRAYS = [
    (T.UINT8, [0, 255]), (T.INT8, [-128, 127]), (T.UINT16, [0, 65535]), (T.INT16, [-32768, 32767]),
    (T.UINT32, [0, 2**32 - 1]), (T.INT32, [-2**31, 2**31 - 1]), (T.UINT64, [0, 2**64 - 1]),
    (T.INT64, [-2**63, 2**63 - 1]), (T.FLOAT32, [0.1, -1e30]), (T.FLOAT64, [0.1, -1e300]),
    (T.BOOL, [True, False, True]), (T.STRING, ["", "▁the", "日本"]),
]
Q = gguf.GGMLQuantizationType
QUANTIZED = [Q.F32, Q.F16, Q.BF16, Q.Q4_0, Q.Q4_1, Q.Q8_0]


def write_single(path):
    writer = gguf.GGUFWriter(path, "llama")
    for value_type, value in SCALARS:
        writer.add_key_value(f"scalar.{value_type.name.lower()}", value, value_type)
    for value_type, values in ARRAYS:
        writer.add_key_value(f"array.{value_type.name.lower()}", values, T.ARRAY, sub_type=value_type)
    random = np.random.default_rng(7)
    for quant in QUANTIZED:
        data = random.standard_normal((2, 3, 64), dtype=np.float32)
        writer.add_tensor(f"t.{quant.name}", gguf.quants.quantize(data, quant), raw_dtype=quant)
    writer.add_tensor("t.scalar", np.array([42], dtype=np.int32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_split(folder):
    writer = gguf.GGUFWriter(folder / "split.gguf", "llama", split_max_tensors=2)
    for i in range(3):
        writer.add_tensor(f"t{i}", np.full((4,), i, dtype=np.float32))
    writer.write_header_to_file(folder / "split.gguf")
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def fnv(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return value


def listing(path):
    """One line a key (name, types, size, hash of the raw bytes) and a tensor (name, type, shape, size, hash)."""
    reader = gguf.GGUFReader(path)
    for name, field in reader.fields.items():
        if name.startswith("GGUF."):
            continue
        types = "/".join(t.name.lower() for t in field.types)
        if field.types[-1] == T.STRING:
            raw = b"".join(bytes(field.parts[i]) + b"\0" for i in field.data)
        else:
            raw = b"".join(field.parts[i].tobytes() for i in field.data)
        yield f"key {name} {types} {len(field.data)} {fnv(raw):016x}"
    for tensor in reader.tensors:
        shape = ",".join(str(int(n)) for n in tensor.shape)
        raw = tensor.data.tobytes()
        yield f"tensor {tensor.name} {tensor.tensor_type.name} {shape} {len(raw)} {fnv(raw):016x}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", metavar="F")
    arguments = parser.parse_args()
    if arguments.check:
        print("\n".join(listing(arguments.check)))
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_single(FOLDER / "v3.gguf")
    # The two versions differ in nothing but the number.
    content = bytearray((FOLDER / "v3.gguf").read_bytes())
    content[4:8] = struct.pack("<I", 2)
    (FOLDER / "v2.gguf").write_bytes(content)
    write_split(FOLDER)
    (FOLDER / "v3.txt").write_text("\n".join(listing(FOLDER / "v3.gguf")) + "\n")


if __name__ == "__main__":
    main()
