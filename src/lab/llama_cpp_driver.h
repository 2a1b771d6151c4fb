// The Python program that runs llama.cpp for lab/llama_cpp_peer.cc.
#pragma once

namespace hearth::lab {

// For `python -c`: one JSON object a line on stdin and stdout. First it says {"version": "..."}.
//   {"do": "load", "model": PATH, "kv": "f16"}                                 -> {"loaded": true}
//   {"do": "prompt", "n": 512, "depth": 0, "threads": 2}                       -> {"seconds": 0.1}
//   {"do": "generate", "n": 64, "depth": 0, "threads": 2}                      -> {"seconds": 0.1}
//   {"do": "batch", "sequences": 8, "n": 64, "depth": 0, "threads": 2}         -> {"seconds": 0.1}
// or {"error": "..."}. It ends with its stdin, or with the process that started it.
extern const char* const kLlamaCppDriver;

}  // namespace hearth::lab
