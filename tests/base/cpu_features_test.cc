#include "base/cpu_features.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace hearth {
namespace {

TEST(CpuFeatures, levels_rise_from_scalar_to_the_detected_one) {
  const std::span<const IsaLevel> levels = usable_isa_levels();
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels.front(), IsaLevel::kScalar);
  EXPECT_EQ(levels.back(), detected_isa_level());
  std::set<std::string> names;
  for (const IsaLevel level : levels) EXPECT_TRUE(names.insert(isa_name(level)).second);
  EXPECT_TRUE(std::ranges::is_sorted(levels));
}

#if defined(__x86_64__)
// The kernel lists a flag of which the processor has the instructions and it saves the registers.
TEST(CpuFeatures, avx_vnni_is_a_level_where_the_system_lists_it) {
  std::ifstream info("/proc/cpuinfo");
  const std::string text(std::istreambuf_iterator<char>(info), {});
  if (text.find(" avx_vnni") == std::string::npos) GTEST_SKIP() << "no AVX-VNNI";
  EXPECT_EQ(std::ranges::count(usable_isa_levels(), IsaLevel::kAvxVnni), 1);
}
#endif

TEST(CpuFeatures, the_detected_level_is_that_of_the_processor_under_test) {
  const char* expected = std::getenv("HEARTH_TEST_ISA");
  if (expected == nullptr)
    GTEST_SKIP() << "HEARTH_TEST_ISA names no level (tools/test_neon.sh does)";
  EXPECT_STREQ(isa_name(detected_isa_level()), expected);
}

}  // namespace
}  // namespace hearth
