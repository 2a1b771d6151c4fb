// Whose turn it is among clients that each have requests waiting: round robin. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace hearth::engine {

class Turns {
 public:
  // One more request of the client, which goes to the end of the line if it had none.
  void join(const std::string& client) {
    Client& joined = clients_.try_emplace(client, Client{n_places_ + 1, 0}).first->second;
    if (joined.n_requests++ == 0) ++n_places_;
  }
  // One request less; a client without any is forgotten.
  void leave(const std::string& client) {
    const auto left = clients_.find(client);
    if (--left->second.n_requests == 0) clients_.erase(left);
  }

  // Of a client that has joined: the smallest is the next.
  uint64_t place(const std::string& client) const { return clients_.at(client).place; }
  // The client had its turn and goes to the end of the line.
  void took(const std::string& client) { clients_.at(client).place = ++n_places_; }

 private:
  struct Client {
    uint64_t place;
    int32_t n_requests;
  };
  std::map<std::string, Client> clients_;
  uint64_t n_places_ = 0;
};

}  // namespace hearth::engine
