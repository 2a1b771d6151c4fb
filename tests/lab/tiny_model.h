// A fixture of tests/data/models on the CPU backend, for what measures models.
#pragma once

#include <memory>
#include <string>

#include "compute/cpu/backend.h"
#include "tests/models/fixture.h"

namespace hearth::lab {

class TinyModel {
 public:
  TinyModel(const std::string& name, const models::LoadOptions& options, int n_threads = 2)
      : fixture_(name),
        file_(models::value_or_fail(gguf::File::open(fixture_.path()))),
        model_(models::value_or_fail(models::Model::load(
            file_, compute::make_cpu_backend({.n_threads = n_threads}), options))) {}

  models::Model& operator*() { return *model_; }
  models::Model* operator->() { return model_.get(); }

 private:
  models::Fixture fixture_;
  gguf::File file_;
  std::unique_ptr<models::Model> model_;
};

}  // namespace hearth::lab
