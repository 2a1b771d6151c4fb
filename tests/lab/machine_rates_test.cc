#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "base/cpu_features.h"
#include "lab/machine_load.h"
#include "lab/memory_bandwidth.h"
#include "lab/product_rate.h"
#include "lab/read_stream.h"

namespace hearth::lab {
namespace {

TEST(ReadStream, every_byte_counts) {
  alignas(64) std::byte bytes[1024] = {};
  const auto check = [&](auto read) {
    for (const size_t n : {256, 512, 1024}) {
      EXPECT_EQ(read(bytes, n), 0u);
      for (size_t i = 0; i < sizeof bytes; ++i) {
        bytes[i] = std::byte{1};
        EXPECT_EQ(read(bytes, n) != 0, i < n) << n << " " << i;
        bytes[i] = std::byte{0};
      }
    }
  };
  check(read_stream_portable);
  if (detected_isa_level() >= IsaLevel::kAvx2) check(read_stream_avx2);
}

TEST(MachineRates, reading_and_multiplying_take_time) {
  for (const int n_threads : {1, 3}) {
    const auto read = measure_read_bandwidth(n_threads);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_GT(*read, 0);
    for (const auto type : {quant::Type::kQ4_1, quant::Type::kQ8_0, quant::Type::kQ6_K}) {
      const auto products = measure_product_rate(type, n_threads);
      ASSERT_TRUE(products);
      ASSERT_TRUE(*products);
      EXPECT_GT(**products, 0);
    }
  }
}

TEST(MachineRates, floats_have_no_rate_of_integer_products) {
  const auto products = measure_product_rate(quant::Type::kF32, 1);
  ASSERT_TRUE(products);
  EXPECT_FALSE(*products);
}

TEST(MachineLoad, only_other_work_is_worth_a_word) {
  EXPECT_EQ(load_warning(0.1, 2), "");
  EXPECT_NE(load_warning(1.5, 2).find("load average was 1.50"), std::string::npos);
}

}  // namespace
}  // namespace hearth::lab
