// Where steps' time went, as tables for people and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lab/profile.h"

namespace hearth::cli {

struct ProfileReport {
  std::string model;    // as the user named it
  std::string backend;  // Backend::description()
  int n_threads = 0;
  lab::Limits limits;
  std::vector<lab::Profile> profiles;
};

std::string profile_tables(const ProfileReport& report);

// {"model", "threads", ..., "profiles": [{"work", "seconds", "lines": [...], "total"}]}: figures of
// one step. A line has "bound" and what follows from it only where a limit of it is known.
nlohmann::ordered_json profile_json(const ProfileReport& report);

}  // namespace hearth::cli
