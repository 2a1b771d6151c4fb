// Peers are mocks here: scripts of tests/data/lab, since llama.cpp is no part of the build.
#include "lab/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <fstream>

#include "tests/support/scratch_folder.h"

namespace hearth::lab {
namespace {

using testing::HasSubstr;

const std::string kFolder = HEARTH_TEST_DIR "/data/lab/";
const Workload kPrompt = {WorkKind::kPrompt, 8, 3, 1};
const Workload kGenerate = {WorkKind::kGeneration, 2, 0, 1};
const Workload kBatch = {WorkKind::kGeneration, 2, 5, 4};

// How the mock behaves, for one test.
class Behaviour {
 public:
  explicit Behaviour(const char* how) { ::setenv("FAKE_PEER", how, 1); }
  ~Behaviour() { end(); }
  void end() { ::unsetenv("FAKE_PEER"); }
};

PeerOptions mock(const std::string& program, double patience_s = 60) {
  return {.program = kFolder + program, .model_path = "m.gguf", .patience = {patience_s, {}}};
}

std::unique_ptr<Peer> open(const PeerOptions& options) {
  auto peer = open_peer(options);
  if (!peer) ADD_FAILURE() << peer.error().message;
  return peer ? std::move(*peer) : nullptr;
}

TEST(Peer, is_asked_for_the_work_and_its_answer_is_taken) {
  const auto peer = open(mock("fake_peer.py"));
  EXPECT_EQ(peer->version(), "fake 1");
  EXPECT_EQ(peer->time(kPrompt, 2), 8 + 3000 + 1e6 + 2e9);
  EXPECT_EQ(peer->time(kGenerate, 1), 2 + 0 + 1e6 + 1e9);
  EXPECT_EQ(peer->time(kBatch, 2), 2 + 5000 + 4e6 + 2e9);
}

TEST(Peer, that_fails_says_how_and_is_started_anew) {
  for (const auto& [how, word] : {std::pair("dies", "it ended with status 3: out of patience"),
                                  std::pair("is killed", "it was killed by signal 9"),
                                  std::pair("cannot load", "cannot load m.gguf"),
                                  std::pair("prints garbage", "it answered '"),
                                  std::pair("answers zero", "it answered '{\"seconds\":0}'"),
                                  std::pair("never ends its line", "a line of more than"),
                                  std::pair("spins", "keeps the processor busy")}) {
    Behaviour behaviour(how);
    const auto peer = open(mock("fake_peer.py"));
    const auto seconds = peer->time(kGenerate, 2);
    ASSERT_FALSE(seconds) << how;
    EXPECT_THAT(seconds.error().message, HasSubstr("fake 1: ")) << how;
    EXPECT_THAT(seconds.error().message, HasSubstr(word));
    behaviour.end();
    EXPECT_TRUE(peer->time(kGenerate, 2)) << how;
  }
}

TEST(Peer, that_hangs_is_ended_when_patience_is) {
  const Behaviour behaviour("hangs");
  const auto peer = open(mock("fake_peer.py", 0.3));
  ASSERT_TRUE(peer);
  const auto seconds = peer->time(kGenerate, 2);
  ASSERT_FALSE(seconds);
  EXPECT_EQ(seconds.error().code, ErrorCode::kLimitExceeded);
  EXPECT_THAT(seconds.error().message, HasSubstr("no answer in 0.3 s"));
}

TEST(Peer, is_not_waited_for_after_a_stop) {
  const Behaviour behaviour("hangs");
  PeerOptions options = mock("fake_peer.py");
  bool is_stopped = false;
  options.patience.is_cancelled = [&is_stopped] { return is_stopped; };
  const auto peer = open(options);
  is_stopped = true;
  const auto seconds = peer->time(kGenerate, 2);
  ASSERT_FALSE(seconds);
  EXPECT_EQ(seconds.error().code, ErrorCode::kCancelled);
}

TEST(Peer, that_cannot_be_opened_is_an_error_with_its_last_words) {
  const auto missing = open_peer({.program = "/nowhere/python", .model_path = "m"});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("cannot start /nowhere/python: No such file"));
  const Behaviour behaviour("dies at once");
  const auto peer = open_peer(mock("fake_peer.py"));
  ASSERT_FALSE(peer);
  EXPECT_THAT(peer.error().message, HasSubstr("No module named 'llama_cpp'"));
}

TEST(Peer, llama_bench_is_a_process_a_repeat) {
  const auto peer = open(mock("llama-bench"));
  EXPECT_EQ(peer->time(kPrompt, 2), 4);
  EXPECT_EQ(peer->time(kGenerate, 2), 4);
  EXPECT_EQ(peer->version(), "llama-bench abc123");
  const auto batch = peer->time(kBatch, 2);
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, ErrorCode::kUnsupported);
}

TEST(Peer, llama_bench_that_fails_says_how) {
  const auto peer = open(mock("llama-bench"));
  for (const auto& [how, word] : {std::pair("dies", "failed to load model 'm.gguf'"),
                                  std::pair("prints garbage", "it printed '[1, 2")}) {
    const Behaviour behaviour(how);
    const auto seconds = peer->time(kPrompt, 2);
    ASSERT_FALSE(seconds);
    EXPECT_THAT(seconds.error().message, HasSubstr(word));
  }
}

TEST(ChildProcess, is_gone_with_its_owner) {
  auto child =
      ChildProcess::start({"sh", "-c", "echo $$; trap '' TERM; while :; do sleep 9; done"});
  ASSERT_TRUE(child);
  const auto pid = (*child)->read_line({60, {}});
  ASSERT_TRUE(pid);
  EXPECT_EQ(::kill(std::stoi(*pid), 0), 0);
  child->reset();
  EXPECT_EQ(::kill(std::stoi(*pid), 0), -1);
}

// The driver itself, in a real Python, on a mock of the llama_cpp module.
class Driver : public testing::Test {
 protected:
  void SetUp() override { ::setenv("PYTHONPATH", (kFolder + "fake_llama_cpp").c_str(), 1); }
  void TearDown() override { ::unsetenv("PYTHONPATH"); }

  std::unique_ptr<Peer> peer_on(const std::string& model_text, const std::string& kv_type = "f16") {
    return open({.program = "python3",
                 .model_path = folder_.write("model.gguf", model_text),
                 .kv_type = kv_type,
                 .patience = {60, {}}});
  }

  ScratchFolder folder_;
};

TEST_F(Driver, times_the_steps_of_the_work_alone) {
  for (const char* cache : {"keeps", "forgets all"}) {
    const auto peer = peer_on(cache, "q8_0");
    EXPECT_EQ(peer->version(), "llama-cpp-python 0.0.mock");
    for (int repeat = 0; repeat < 2; ++repeat) {
      EXPECT_EQ(peer->time({WorkKind::kPrompt, 8, 0, 1}, 2), 8);
      EXPECT_EQ(peer->time({WorkKind::kPrompt, 5000, 300, 1}, 2), 5000);
      EXPECT_EQ(peer->time({WorkKind::kPrompt, 1, 300, 1}, 1), 1);
      EXPECT_EQ(peer->time({WorkKind::kGeneration, 6, 0, 1}, 2), 6);
      EXPECT_EQ(peer->time({WorkKind::kGeneration, 6, 300, 1}, 2), 6);
      EXPECT_EQ(peer->time({WorkKind::kGeneration, 3, 70, 5}, 2), 15);
    }
  }
}

TEST_F(Driver, says_what_the_library_refused) {
  for (const auto& [text, word] : {std::pair("broken", "llama.cpp cannot load "),
                                   std::pair("fails", "llama_decode returned 1")}) {
    const auto peer = peer_on(text);
    const auto seconds = peer->time(kPrompt, 2);
    ASSERT_FALSE(seconds);
    EXPECT_THAT(seconds.error().message, HasSubstr(word));
  }
}

}  // namespace
}  // namespace hearth::lab
