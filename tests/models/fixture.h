// The tiny models of tests/data/models, converted and run.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "compute/reference/backend.h"
#include "gguf/file.h"
#include "gguf/safetensors.h"
#include "models/convert.h"
#include "models/model.h"
#include "tests/support/scratch_folder.h"

namespace hearth::models {

inline std::string fixture_folder(const std::string& name) {
  return std::string(HEARTH_TEST_DIR) + "/data/models/" + name;
}

inline std::vector<std::string> fixture_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(fixture_folder("")))
    if (std::filesystem::exists(entry.path() / "expected.safetensors"))
      names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

template <class T>
T value_or_fail(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message;
    std::abort();
  }
  return std::move(*result);
}

inline std::vector<float> floats_of(const gguf::Safetensors& file, const std::string& name) {
  const gguf::Safetensor* tensor = file.find(name);
  std::vector<float> values(tensor->n_values());
  EXPECT_TRUE(gguf::read_floats(*tensor, 0, values));
  return values;
}

// A converted fixture and the reference's answer.
class Fixture {
 public:
  explicit Fixture(const std::string& name, quant::Type type = quant::Type::kF32) : name_(name) {
    const auto converted = convert_hf(fixture_folder(name), path(), {type, {}});
    if (!converted) ADD_FAILURE() << name << ": " << converted.error().message;
    const auto expected =
        value_or_fail(gguf::Safetensors::open(fixture_folder(name) + "/expected.safetensors"));
    for (const float token : floats_of(expected, "tokens"))
      tokens_.push_back(static_cast<int32_t>(token));
    logits_ = floats_of(expected, "logits");
  }

  std::string path() const { return folder_ / "model.gguf"; }
  const ScratchFolder& folder() const { return folder_; }
  const std::string& name() const { return name_; }
  const std::vector<int32_t>& tokens() const { return tokens_; }
  const std::vector<float>& logits() const { return logits_; }  // [n_tokens, n_vocab]
  size_t n_vocab() const { return logits_.size() / tokens_.size(); }
  float range() const {
    const auto [least, most] = std::ranges::minmax(logits_);
    return most - least;
  }

 private:
  std::string name_;
  ScratchFolder folder_;
  std::vector<int32_t> tokens_;
  std::vector<float> logits_;
};

// One sequence on a model of its own file.
class Session {
 public:
  static Result<std::unique_ptr<Session>> open(const std::string& path, const LoadOptions& options,
                                               std::unique_ptr<compute::Backend> backend) {
    auto session = std::unique_ptr<Session>(new Session(TRY(gguf::File::open(path))));
    session->model_ = TRY(Model::load(session->file_, std::move(backend), options));
    session->blocks_.resize(static_cast<size_t>(session->model_->n_kv_blocks()));
    std::iota(session->blocks_.begin(), session->blocks_.end(), 0);
    return session;
  }

  // Logits of every token, run after those before.
  Result<std::vector<float>> run(std::span<const int32_t> tokens) {
    std::vector<compute::Row> rows;
    for (const int32_t token : tokens) rows.push_back({token, position_++, 0, true});
    std::vector<float> logits(tokens.size() * static_cast<size_t>(model_->info().n_vocab));
    const std::span<const int32_t> table = blocks_;
    TRY(model_->run({rows, {&table, 1}}, logits));
    return logits;
  }

  // The same in steps of these sizes, the last one repeated to the end.
  Result<std::vector<float>> run_in_steps(std::span<const int32_t> tokens,
                                          std::span<const size_t> steps) {
    std::vector<float> all;
    for (size_t i = 0; !tokens.empty(); ++i) {
      const size_t n = std::min(steps[std::min(i, steps.size() - 1)], tokens.size());
      const std::vector<float> logits = TRY(run(tokens.first(n)));
      all.insert(all.end(), logits.begin(), logits.end());
      tokens = tokens.subspan(n);
    }
    return all;
  }

  const Model& model() const { return *model_; }

 private:
  explicit Session(gguf::File file) : file_(std::move(file)) {}
  gguf::File file_;
  std::unique_ptr<Model> model_;
  std::vector<int32_t> blocks_;
  int32_t position_ = 0;
};

}  // namespace hearth::models
