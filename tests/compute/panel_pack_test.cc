#include <gtest/gtest.h>

#include "base/worker_pool.h"
#include "compute/cpu/packed_matrix.h"
#include "compute/cpu/panel/format.h"
#include "tests/compute/panel_matrix.h"

namespace hearth::compute::cpu {
namespace {

// The type whose file's bytes a panel takes: its own but for three, which products would decode at
// too great a cost.
quant::Type type_of_panel_bytes(quant::Type type) {
  switch (type) {
    case quant::Type::kTQ1_0: return quant::Type::kTQ2_0;
    case quant::Type::kIQ3_XXS:
    case quant::Type::kIQ3_S: return quant::Type::kIQ4_XS;
    default: return type;
  }
}

TEST(PanelPack, takes_the_bytes_of_the_file_and_no_more_but_for_three_types) {
  for (const ScalePlaces& places : kPanelTypes) {
    const TestMatrix matrix{type_of_panel_bytes(places.type), 16, 512, 1, {}};
    EXPECT_EQ(PackedMatrix::packed_bytes(places.type, 16, 512, IsaLevel::kAvx2),
              static_cast<uint64_t>(16 * matrix.row_bytes()))
        << name_of(places.type);
  }
}

TEST(PanelPack, rounds_rows_up_to_whole_panels) {
  EXPECT_EQ(PackedMatrix::packed_bytes(quant::Type::kQ8_0, 9, 32, IsaLevel::kScalar), 16u * 34);
}

TEST(PanelPack, can_pack_says_no_to_types_and_columns_without_a_kernel) {
  for (const ScalePlaces& places : kPanelTypes) {
    const auto block = static_cast<int64_t>(quant::type_info(places.type).block_size);
    EXPECT_TRUE(PackedMatrix::can_pack(places.type, 3 * block, IsaLevel::kScalar));
    EXPECT_FALSE(PackedMatrix::can_pack(places.type, 3 * block + 16, IsaLevel::kScalar));
    EXPECT_FALSE(PackedMatrix::can_pack(places.type, 0, IsaLevel::kScalar));
  }
  EXPECT_FALSE(PackedMatrix::can_pack(quant::Type::kF16, 256, IsaLevel::kScalar));
  EXPECT_FALSE(PackedMatrix::can_pack(quant::Type::kF32, 256, IsaLevel::kScalar));
}

TEST(PanelPack, every_type_has_a_vector_kernel_at_every_level) {
  WorkerPool pool(1);
  for (const ScalePlaces& places : kPanelTypes) {
    TestMatrix matrix{places.type, 8, 256, 1, {}};
    matrix.data.resize(static_cast<size_t>(8 * matrix.row_bytes()));
    for (const IsaLevel level : usable_isa_levels()) {
      EXPECT_FALSE(PackedMatrix::pack(matrix.source(), level, pool)->is_slow())
          << name_of(places.type) << " at " << isa_name(level);
    }
  }
}

ErrorCode pack_error(const MatrixSource& source) {
  WorkerPool pool(1);
  const Result<PackedMatrix> packed = PackedMatrix::pack(source, IsaLevel::kScalar, pool);
  EXPECT_FALSE(packed);
  EXPECT_FALSE(packed.error().message.empty());
  return packed.error().code;
}

TEST(PanelPack, refuses_a_source_whose_size_does_not_fit_its_shape) {
  std::mt19937 random(1);
  const TestMatrix matrix = random_matrix(kPanelTypes[0], {8, 64}, random);
  MatrixSource source = matrix.source();
  source.data = source.data.first(source.data.size() - 1);
  EXPECT_EQ(pack_error(source), ErrorCode::kInvalidFile);
  source = matrix.source();
  source.n_slices = 2;
  EXPECT_EQ(pack_error(source), ErrorCode::kInvalidFile);
  source = matrix.source();
  source.n_cols = 65;
  EXPECT_EQ(pack_error(source), ErrorCode::kInvalidFile);
  source = matrix.source();
  source.n_rows = 0;
  EXPECT_EQ(pack_error(source), ErrorCode::kInvalidFile);
}

TEST(PanelPack, refuses_shapes_whose_size_wraps) {
  std::mt19937 random(2);
  const TestMatrix matrix = random_matrix(kPanelTypes[0], {8, 64}, random);
  MatrixSource source = matrix.source();
  source.n_rows = int64_t{1} << 62;
  EXPECT_EQ(pack_error(source), ErrorCode::kInvalidFile);
  source.n_rows = int64_t{1} << 31;
  source.n_cols = int64_t{1} << 31;
  source.n_slices = int64_t{1} << 31;
  EXPECT_EQ(pack_error(source), ErrorCode::kInvalidFile);
  EXPECT_EQ(PackedMatrix::packed_bytes(quant::Type::kQ4_0, INT64_MAX, INT64_MAX / 32 * 32,
                                       IsaLevel::kScalar),
            UINT64_MAX);
  EXPECT_EQ(PackedMatrix::packed_bytes(quant::Type::kQ4_0, int64_t{1} << 39, int64_t{32} << 20,
                                       IsaLevel::kScalar),
            UINT64_MAX);  // 18 * 2^59 bytes: no wrap, but no int64 either
}

TEST(PanelPack, refuses_a_type_without_kernels) {
  std::mt19937 random(3);
  MatrixSource source = random_matrix(kPanelTypes[0], {8, 64}, random).source();
  source.type = quant::Type::kF32;
  EXPECT_EQ(pack_error(source), ErrorCode::kUnsupported);
}

// All but those of code books and of ternary types.
TEST(PanelFormat, avx_vnni_has_kernels_of_its_own_which_other_levels_do_not_take) {
  if (!kIsX86) GTEST_SKIP() << "kernels of x86";
  int n_own = 0;
  for (const ScalePlaces& places : kPanelTypes) {
    const PanelFormat* format = find_panel_format(places.type);
    ASSERT_NE(format, nullptr);
    n_own += panel_kernel(*format, IsaLevel::kAvxVnni) != format->avx2;
    EXPECT_EQ(panel_kernel(*format, IsaLevel::kAvx2), format->avx2);
    EXPECT_EQ(panel_kernel(*format, IsaLevel::kAvx512Vnni), format->avx2);
  }
  EXPECT_EQ(n_own, 13);
}

}  // namespace
}  // namespace hearth::compute::cpu
