#include "lab/peer.h"

#include <fmt/format.h>

#include <filesystem>

namespace hearth::lab {

Result<std::unique_ptr<Peer>> open_peer(const PeerOptions& options) {
  if (!options.program.empty()) {
    const std::string name = std::filesystem::path(options.program).filename();
    return name.find("llama-bench") != std::string::npos ? open_llama_bench_peer(options)
                                                         : open_llama_cpp_peer(options);
  }
  PeerOptions found = options;
  found.program = "python3";
  auto python = open_llama_cpp_peer(found);
  if (python || python.error().code == ErrorCode::kCancelled) return python;
  found.program = "llama-bench";
  auto bench = open_llama_bench_peer(found);
  if (bench || bench.error().code == ErrorCode::kCancelled) return bench;
  return fail(ErrorCode::kNotFound,
              fmt::format("no llama.cpp found ({}; {}); name a Python interpreter that has "
                          "llama_cpp, or a llama-bench, with --peer",
                          python.error().message, bench.error().message));
}

}  // namespace hearth::lab
