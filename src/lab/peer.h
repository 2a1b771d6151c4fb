// llama.cpp as a program beside us, timed on the same workloads.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "lab/child_process.h"
#include "lab/workload.h"

namespace hearth::lab {

struct PeerOptions {
  std::string program;  // a Python interpreter that has llama_cpp, or a llama-bench; empty: search
  std::string model_path;
  std::string kv_type = "f16";  // f32, f16 or q8_0
  Patience patience = {};       // with each answer, a fill up to the depth included
};

// Runs on CPU alone. When time() returns it has ended or all its threads sleep. One thread at a
// time.
class Peer {
 public:
  virtual ~Peer() = default;

  virtual const std::string& version() const = 0;  // "llama-cpp-python 0.3.36"

  // Seconds that the work took it: steps alone, as in StepTimer. Errors say what the peer did
  // instead; the next call starts it anew. kUnsupported for work that it cannot be asked for;
  // kCancelled.
  virtual Result<double> time(const Workload& work, int n_threads) = 0;
};

// With no program given, python3 and llama-bench are looked for on the PATH, in this order.
// kNotFound says what was tried.
Result<std::unique_ptr<Peer>> open_peer(const PeerOptions& options);

// What open_peer() chooses from, by the program's name.
Result<std::unique_ptr<Peer>> open_llama_cpp_peer(const PeerOptions& options);    // Python
Result<std::unique_ptr<Peer>> open_llama_bench_peer(const PeerOptions& options);  // llama-bench

}  // namespace hearth::lab
