#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/cpu_features.h"
#include "base/worker_pool.h"
#include "compute/cpu/packed_matrix.h"
#include "tests/compute/panel_matrix.h"

namespace hearth::compute::cpu {
namespace {

PackedMatrix pack(const TestMatrix& matrix, IsaLevel level, int n_threads = 1) {
  WorkerPool pool(n_threads);
  Result<PackedMatrix> packed = PackedMatrix::pack(matrix.source(), level, pool);
  EXPECT_TRUE(packed) << packed.error().message;
  return *packed;
}

QuantizedRows quantize(const std::vector<float>& values, int64_t n_cols, ActivationFormat format) {
  const int64_t n_rows = static_cast<int64_t>(values.size()) / n_cols;
  QuantizedRows rows(n_rows, n_cols);
  rows.reset(n_rows, n_cols, format);
  for (int64_t r = 0; r < n_rows; ++r) rows.set_row(r, values.data() + r * n_cols);
  return rows;
}

// All rows of a slice times all rows of x, in one call: [x rows, matrix rows].
std::vector<float> multiply(const PackedMatrix& matrix, const QuantizedRows& x, int64_t slice = 0) {
  std::vector<float> out(static_cast<size_t>(x.n_rows() * matrix.n_rows()), -1.0f);
  matrix.multiply(x, 0, x.n_rows(), slice, 0, matrix.n_panels(), out.data(), matrix.n_rows());
  return out;
}

void expect_same_bits(const std::vector<float>& expected, const std::vector<float>& got,
                      const std::string& what) {
  ASSERT_EQ(expected.size(), got.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_TRUE(same_bits(expected[i], got[i]))
        << what << ": element " << i << " is " << got[i] << ", expected " << expected[i];
  }
}

// Compares with the definition, and prints the element with the largest share of its tolerance.
void expect_products(const TestMatrix& matrix, const ScalePlaces& places, int64_t slice,
                     const std::vector<float>& x, const std::vector<float>& got) {
  const ActivationFormat format = activation_format(matrix.type);
  const int64_t n_rows = matrix.n_rows, n_x = static_cast<int64_t>(x.size()) / matrix.n_cols;
  double worst = -1;
  std::string where;
  for (int64_t t = 0; t < n_x; ++t) {
    const RoundedRow rounded(x.data() + t * matrix.n_cols, matrix.n_cols, format);
    for (int64_t r = 0; r < n_rows; ++r) {
      const Product expected = product_by_definition(matrix, places, slice * n_rows + r, rounded);
      const double value = got[static_cast<size_t>(t * n_rows + r)];
      const double share = std::fabs(value - expected.value) / expected.tolerance;
      if (share <= worst) continue;
      worst = std::isnan(share) ? std::numeric_limits<double>::infinity() : share;
      where = "activation row " + std::to_string(t) + ", weight row " + std::to_string(r) + ": " +
              std::to_string(value) + ", expected " + std::to_string(expected.value);
    }
  }
  EXPECT_LE(worst, 1.0) << name_of(matrix.type) << " [" << matrix.n_rows << ", " << matrix.n_cols
                        << "]: " << where;
  EXPECT_GE(worst, 0.0);
}

TEST(PanelProduct, is_the_definition_within_float_rounding) {
  constexpr MatrixShape kShapes[] = {{1, 256}, {8, 256}, {13, 512}, {24, 768}, {9, 2048}};
  std::mt19937 random(1);
  for (const ScalePlaces& places : kPanelTypes) {
    for (const MatrixShape& shape : kShapes) {
      const TestMatrix matrix = random_matrix(places, shape, random);
      for (const int64_t n_x : {1, 3, 11, 67}) {
        const std::vector<float> x = random_values(n_x * shape.n_cols, random);
        for (const IsaLevel level : usable_isa_levels()) {
          SCOPED_TRACE(isa_name(level));
          const PackedMatrix packed = pack(matrix, level);
          const QuantizedRows rows = quantize(x, shape.n_cols, packed.activation_format());
          expect_products(matrix, places, 0, x, multiply(packed, rows));
        }
      }
    }
  }
}

TEST(PanelProduct, takes_any_multiple_of_32_columns_for_legacy_types) {
  std::mt19937 random(2);
  for (const ScalePlaces& places : kPanelTypes) {
    if (quant::type_info(places.type).block_size != 32) continue;
    for (const int64_t n_cols : {32, 64, 96, 576, 640}) {
      const TestMatrix matrix = random_matrix(places, {10, n_cols}, random);
      const std::vector<float> x = random_values(6 * n_cols, random);
      for (const IsaLevel level : usable_isa_levels()) {
        const PackedMatrix packed = pack(matrix, level);
        const QuantizedRows rows = quantize(x, n_cols, packed.activation_format());
        expect_products(matrix, places, 0, x, multiply(packed, rows));
      }
    }
  }
}

TEST(PanelProduct, has_the_same_bits_at_every_level) {
  std::mt19937 random(3);
  for (const ScalePlaces& places : kPanelTypes) {
    for (const int64_t n_x : {1, 2, 3, 4, 5, 64, 70}) {
      const TestMatrix matrix = random_matrix(places, {21, 512}, random);
      const QuantizedRows rows =
          quantize(random_values(n_x * 512, random), 512, activation_format(places.type));
      const std::vector<float> expected = multiply(pack(matrix, IsaLevel::kScalar), rows);
      for (const IsaLevel level : usable_isa_levels()) {
        expect_same_bits(expected, multiply(pack(matrix, level), rows),
                         name_of(places.type) + " at " + isa_name(level));
      }
    }
  }
}

TEST(PanelProduct, does_not_depend_on_how_many_rows_come_together) {
  constexpr int64_t kRows = 70, kCols = 512;
  std::mt19937 random(4);
  for (const ScalePlaces& places : kPanelTypes) {
    const ActivationFormat format = activation_format(places.type);
    const TestMatrix matrix = random_matrix(places, {16, kCols}, random);
    const std::vector<float> x = random_values(kRows * kCols, random);
    for (const IsaLevel level : usable_isa_levels()) {
      const PackedMatrix packed = pack(matrix, level);
      const std::vector<float> all = multiply(packed, quantize(x, kCols, format));
      for (int64_t n = 1; n <= kRows; ++n) {  // the last n rows alone
        const std::vector<float> last(x.end() - n * kCols, x.end());
        const std::vector<float> expected(all.end() - n * 16, all.end());
        expect_same_bits(expected, multiply(packed, quantize(last, kCols, format)),
                         name_of(places.type) + ", " + std::to_string(n) + " rows");
      }
    }
  }
}

TEST(PanelProduct, does_not_depend_on_how_rows_and_panels_are_cut) {
  constexpr int64_t kRows = 150, kCols = 256, kOut = 45;
  std::mt19937 random(5);
  for (const ScalePlaces& places : kPanelTypes) {
    const TestMatrix matrix = random_matrix(places, {kOut, kCols}, random);
    const std::vector<float> x = random_values(kRows * kCols, random);
    const QuantizedRows rows = quantize(x, kCols, activation_format(places.type));
    for (const IsaLevel level : usable_isa_levels()) {
      const PackedMatrix packed = pack(matrix, level);
      const std::vector<float> expected = multiply(packed, rows);
      std::vector<float> got(expected.size(), -1.0f);
      for (int64_t row = 0, end; row < kRows; row = end) {
        end = std::min<int64_t>(kRows, row + 1 + static_cast<int64_t>(random() % 90));
        for (int64_t panel = 0, stop; panel < packed.n_panels(); panel = stop) {
          stop =
              std::min<int64_t>(packed.n_panels(), panel + 1 + static_cast<int64_t>(random() % 4));
          packed.multiply(rows, row, end, 0, panel, stop, got.data() + row * kOut, kOut);
        }
      }
      expect_same_bits(expected, got, name_of(places.type));
    }
  }
}

TEST(PanelProduct, writes_only_its_own_rows_and_panels) {
  std::mt19937 random(6);
  for (const ScalePlaces& places : kPanelTypes) {
    const TestMatrix matrix = random_matrix(places, {21, 256}, random);
    const QuantizedRows rows =
        quantize(random_values(3 * 256, random), 256, activation_format(places.type));
    for (const IsaLevel level : usable_isa_levels()) {
      const PackedMatrix packed = pack(matrix, level);
      std::vector<float> out(3 * 30, -1.0f);
      packed.multiply(rows, 1, 3, 0, 1, 2, out.data(), 30);
      for (int64_t r = 0; r < 3; ++r) {
        for (int64_t i = 0; i < 30; ++i) {
          const bool own = r < 2 && i >= packed.panel_rows() &&
                           i < std::min<int64_t>(21, 2 * packed.panel_rows());
          EXPECT_EQ(out[static_cast<size_t>(r * 30 + i)] != -1.0f, own) << r << " " << i;
        }
      }
    }
  }
}

TEST(PanelProduct, is_the_same_packed_by_one_thread_or_several) {
  std::mt19937 random(7);
  for (const ScalePlaces& places : kPanelTypes) {
    const TestMatrix matrix = random_matrix(places, {1000, 512}, random);
    const QuantizedRows rows =
        quantize(random_values(2 * 512, random), 512, activation_format(places.type));
    for (const IsaLevel level : usable_isa_levels()) {
      expect_same_bits(multiply(pack(matrix, level, 1), rows),
                       multiply(pack(matrix, level, 3), rows), name_of(places.type));
    }
  }
}

TEST(PanelProduct, keeps_the_rows_of_each_expert_apart) {
  std::mt19937 random(8);
  for (const ScalePlaces& places : kPanelTypes) {
    const TestMatrix matrix = random_matrix(places, {11, 256, 5}, random);
    const std::vector<float> x = random_values(4 * 256, random);
    for (const IsaLevel level : usable_isa_levels()) {
      const PackedMatrix packed = pack(matrix, level);
      EXPECT_EQ(packed.n_rows(), 11);
      EXPECT_EQ(packed.n_panels(), (11 + packed.panel_rows() - 1) / packed.panel_rows());
      const QuantizedRows rows = quantize(x, 256, packed.activation_format());
      for (int64_t slice = 0; slice < 5; ++slice) {
        expect_products(matrix, places, slice, x, multiply(packed, rows, slice));
      }
    }
  }
}

// The largest codes against the largest activations, where 16-bit sums come nearest to their end.
TEST(PanelProduct, does_not_saturate_at_the_extreme_codes) {
  constexpr int64_t kCols = 512;
  std::mt19937 random(9);
  for (const ScalePlaces& places : kPanelTypes) {
    for (const unsigned fill : {0x00u, 0xFFu, 0x80u, 0x7Fu, 0xF0u, 0x0Fu}) {
      TestMatrix matrix = random_matrix(places, {8, kCols}, random);
      std::ranges::fill(matrix.data, static_cast<std::byte>(fill));
      for (int64_t b = 0; b < matrix.n_blocks(); ++b) {
        matrix.set_half(b, places.d, float_to_half(1.0f));
        matrix.set_half(b, places.m, float_to_half(0.0f));
        matrix.set_byte(b, places.exponent, 128);
      }
      std::vector<float> x(9 * kCols);
      for (size_t i = 0; i < x.size(); ++i) {
        const size_t t = i / kCols, k = i % kCols;
        x[i] = t == 0 ? 127.0f : t == 1 ? -127.0f : (k * t / 2) % 2 == 0 ? 127.0f : -127.0f;
      }
      const QuantizedRows rows = quantize(x, kCols, activation_format(places.type));
      for (const IsaLevel level : usable_isa_levels()) {
        const std::vector<float> got = multiply(pack(matrix, level), rows);
        for (size_t t = 0; t < 9; ++t) {
          for (int64_t r = 0; r < 8; ++r) {
            const std::vector<float> w = matrix.row(r);
            double expected = 0;  // whole numbers below 2^53
            for (size_t k = 0; k < kCols; ++k)
              expected += static_cast<double>(w[k]) * x[t * kCols + k];
            const float value = got[t * 8 + static_cast<size_t>(r)];
            ASSERT_NEAR(value, expected, std::fabs(expected) * 1e-6 + 1e-3)
                << name_of(places.type) << " at " << isa_name(level) << ", bytes " << fill
                << ", activation row " << t << ", weight row " << r;
          }
        }
      }
    }
  }
}

TEST(PanelProduct, has_the_scalar_bits_for_scales_of_any_kind) {
  constexpr uint16_t kHalfs[] = {0x0000, 0x8000, 0x0001, 0x83FF, 0x7BFF, 0xFBFF,
                                 0x7C00, 0xFC00, 0x7E00, 0x7D01, 0x3C00, 0xBC00};
  constexpr unsigned kExponents[] = {0, 1, 2, 3, 127, 254, 255};
  std::mt19937 random(10);
  for (const ScalePlaces& places : kPanelTypes) {
    TestMatrix matrix = random_matrix(places, {48, 256}, random);
    for (int64_t b = 0; b < matrix.n_blocks(); ++b) {
      matrix.set_half(b, places.d, kHalfs[random() % std::size(kHalfs)]);
      matrix.set_half(b, places.m, kHalfs[random() % std::size(kHalfs)]);
      matrix.set_byte(b, places.exponent, kExponents[random() % std::size(kExponents)]);
    }
    const QuantizedRows rows =
        quantize(random_values(6 * 256, random), 256, activation_format(places.type));
    const std::vector<float> expected = multiply(pack(matrix, IsaLevel::kScalar), rows);
    for (const IsaLevel level : usable_isa_levels()) {
      expect_same_bits(expected, multiply(pack(matrix, level), rows), name_of(places.type));
    }
  }
}

TEST(PanelProduct, is_zero_where_weights_or_activations_are) {
  std::mt19937 random(11);
  for (const ScalePlaces& places : kPanelTypes) {
    TestMatrix matrix = random_matrix(places, {8, 256}, random);
    const ActivationFormat format = activation_format(places.type);
    const QuantizedRows zeros = quantize(std::vector<float>(256), 256, format);
    const QuantizedRows rows = quantize(random_values(256, random), 256, format);
    for (const IsaLevel level : usable_isa_levels()) {
      for (const float y : multiply(pack(matrix, level), zeros)) EXPECT_EQ(y, 0.0f);
    }
    if (places.exponent >= 0) continue;  // its scale is never zero
    for (int64_t b = 0; b < matrix.n_blocks(); ++b) {
      matrix.set_half(b, places.d, 0);
      matrix.set_half(b, places.m, 0);
    }
    for (const IsaLevel level : usable_isa_levels()) {
      for (const float y : multiply(pack(matrix, level), rows)) EXPECT_EQ(y, 0.0f);
    }
  }
}

TEST(PanelProduct, is_nan_for_an_activation_row_with_a_nan_and_for_no_other) {
  std::mt19937 random(12);
  for (const ScalePlaces& places : kPanelTypes) {
    const TestMatrix matrix = random_matrix(places, {8, 256}, random);
    std::vector<float> x = random_values(3 * 256, random);
    x[256 + 77] = std::numeric_limits<float>::quiet_NaN();
    const QuantizedRows rows = quantize(x, 256, activation_format(places.type));
    for (const IsaLevel level : usable_isa_levels()) {
      const std::vector<float> got = multiply(pack(matrix, level), rows);
      for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(std::isnan(got[i]), i / 8 == 1) << i;
    }
  }
}

}  // namespace
}  // namespace hearth::compute::cpu
