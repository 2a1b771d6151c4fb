#!/usr/bin/env python3
"""Writes tests/data/quant/: blocks of every number format with the floats that they decode to, and
floats with the blocks that they encode to, as the `gguf` package (0.19) has them.

    python3 tests/make_quant_fixtures.py        needs: pip install numpy gguf

NAME.decode: uint32 n_blocks, the blocks, the decoded float32 values.
NAME.encode: uint32 n_blocks, the float32 values, the encoded blocks.
All little-endian. Blocks are random bytes with finite scales, then the corners of the format.
"""
import pathlib
import zlib

import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize, quantize

OUT = pathlib.Path(__file__).parent / "data" / "quant"

# Offsets of the half-precision fields of a block.
HALVES = {
    T.F16: [0], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0],
    T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208],
    T.IQ1_S: [0], T.IQ2_XXS: [0], T.IQ2_XS: [0], T.IQ2_S: [0], T.IQ3_XXS: [0], T.IQ3_S: [0],
    T.IQ4_NL: [0], T.IQ4_XS: [0], T.TQ1_0: [52], T.TQ2_0: [64],
}
DECODED = [*HALVES, T.F32, T.BF16, T.IQ1_M, T.MXFP4]
ENCODED = [T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q8_0]
SPECIAL_HALVES = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF, 0x3C00]


def with_scales(kind, blocks, halves):
    """The blocks with every half-precision field set, field f of block b to halves[b + f]."""
    for field, offset in enumerate(HALVES.get(kind, [])):
        blocks[:, offset:offset + 2] = np.roll(halves, field).astype("<u2").view(np.uint8).reshape(-1, 2)
    if kind == T.IQ1_M:  # a nibble of the half at the top of each of four uint16
        for part in range(4):
            nibble = (halves >> 4 * part & 15).astype(np.uint8)
            blocks[:, 49 + 2 * part] = blocks[:, 49 + 2 * part] & 15 | nibble << 4
    return blocks


def cover_grid(kind, rng):
    """Random blocks in which every entry of the type's grid occurs, in order; none for other types."""
    blocks = {T.IQ1_S: 64, T.IQ2_XXS: 8, T.IQ2_XS: 16, T.IQ2_S: 32, T.IQ3_XXS: 4, T.IQ3_S: 8}.get(kind, 0)
    out = rng.integers(0, 256, (blocks, GGML_QUANT_SIZES[kind][1]), np.uint8)
    per_block = 64 if kind in (T.IQ3_XXS, T.IQ3_S) else 32
    index = np.arange(blocks * per_block).reshape(blocks, per_block)
    low = (index & 255).astype(np.uint8)
    if kind == T.IQ1_S:
        out[:, 2:34] = low
        shifted = (index >> 8).reshape(blocks, 8, 4) << np.array([0, 3, 6, 9])
        high = shifted.sum(axis=-1).astype("<u2") | out[:, 34:].copy().view("<u2") & 0xF000
        out[:, 34:] = high.view(np.uint8)
    elif kind == T.IQ2_XXS:
        out[:, 2:].reshape(blocks, 8, 8)[:, :, :4] = low.reshape(blocks, 8, 4)
    elif kind == T.IQ2_XS:
        signs = out[:, 2:66].copy().view("<u2") & 0xFE00
        out[:, 2:66] = (signs | index).astype("<u2").view(np.uint8)
    elif kind == T.IQ2_S:
        out[:, 2:34] = low
        out[:, 66:74] = ((index >> 8).reshape(blocks, 8, 4) << np.array([0, 2, 4, 6])).sum(axis=-1)
    elif kind == T.IQ3_XXS:
        out[:, 2:66] = low
    elif kind == T.IQ3_S:
        out[:, 2:66] = low
        out[:, 66:74] = ((index >> 8).reshape(blocks, 8, 8) << np.arange(8)).sum(axis=-1)
    return out


def decode_blocks(kind, rng):
    values, size = GGML_QUANT_SIZES[kind]
    random = rng.integers(0, 256, ({1: 512, 32: 40, 256: 6}[values], size), np.uint8)
    random = np.concatenate([random, cover_grid(kind, rng)])
    halves = rng.integers(0, 0x7C00, len(random)) | rng.integers(0, 2, len(random)) << 15
    special = np.array(SPECIAL_HALVES)
    n = len(special)
    parts = [with_scales(kind, random, halves),
             with_scales(kind, rng.integers(0, 256, (n, size), np.uint8), special),
             with_scales(kind, np.zeros((2, size), np.uint8), special[-2:]),
             with_scales(kind, np.full((2, size), 255, np.uint8), special[-2:])]
    if kind == T.MXFP4:
        exponents = rng.integers(0, 256, (5, size), np.uint8)
        exponents[:, 0] = [0, 1, 2, 254, 255]
        parts.append(exponents)
    return np.concatenate(parts)


def not_nan(kind, blocks):
    """NaN payloads are no part of a format's definition."""
    return blocks[~np.isnan(dequantize(blocks, kind)).any(axis=-1)]


def encode_values(size, rng):
    rows = [rng.standard_normal((24, size)) * 10.0 ** rng.uniform(-3, 2, (24, 1)),
            rng.standard_normal((4, size)) * 1e-7,   # scales below the least normal half
            rng.standard_normal((4, size)) * 1e-30,  # scales that round to zero
            rng.standard_normal((4, size)) * 1e5,    # scales near the greatest half
            rng.standard_normal((4, size)) * 1e30,   # scales beyond it
            np.zeros((1, size)), np.full((1, size), 0.7), np.full((1, size), -0.7),
            np.abs(rng.standard_normal((2, size))), -np.abs(rng.standard_normal((2, size)))]
    ties = [np.resize(np.arange(-k, k + 1) * 0.5, size) for k in (8, 15, 16, 127, 254)]
    one_hot = np.eye(4, size)
    both_signs = np.resize([1.0, -1.0], (1, size))
    return np.concatenate(rows + [np.stack(ties), one_hot, -one_hot, both_signs, -both_signs]).astype("<f4")


def scalar_values(rng):
    """Floats of every magnitude, and the ties and borders of half and bfloat16; no NaN."""
    bits = rng.integers(0, 1 << 32, 1024, np.uint32)
    half = (rng.integers(0, 0x7C00, 512) | rng.integers(0, 2, 512) << 15).astype(np.uint16)
    near = half.view(np.float16).astype(np.float32).view(np.uint32)
    tie = near + (np.uint32(0x1000) | rng.integers(-1, 2, 512).astype(np.uint32))
    bfloat_tie = bits[:256] & np.uint32(0xFFFF0000) | np.uint32(0x8000)
    border = np.array([0, 0x80000000, 0x7F800000, 0xFF800000, 0x7F7FFFFF, 0x477FEFFF, 0x477FF000, 0x477FE000,
                       0x33000000, 0x33000001, 0x337FFFFF, 0x38800000, 0x387FFFFF, 1, 0x80000001], np.uint32)
    values = np.concatenate([bits, near, tie, bfloat_tie, border]).view(np.float32)
    return values[~np.isnan(values)].reshape(-1, 1).astype("<f4")


def write(path, first, second):
    path.write_bytes(np.uint32(len(first)).tobytes() + first.tobytes() + second.tobytes())
    print(f"{path.name}: {len(first)} blocks, {path.stat().st_size} bytes")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    np.seterr(over="ignore", invalid="ignore")
    for kind in DECODED:
        rng = np.random.default_rng(zlib.crc32(kind.name.encode()))
        blocks = not_nan(kind, decode_blocks(kind, rng))
        write(OUT / f"{kind.name}.decode", blocks, dequantize(blocks, kind).astype("<f4"))
    for kind in ENCODED:
        rng = np.random.default_rng(zlib.crc32(kind.name.encode()) + 1)
        size = GGML_QUANT_SIZES[kind][0]
        values = scalar_values(rng) if size == 1 else encode_values(size, rng)
        write(OUT / f"{kind.name}.encode", values, quantize(values, kind))


if __name__ == "__main__":
    main()
