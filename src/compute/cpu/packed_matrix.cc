#include "compute/cpu/packed_matrix.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/checked_math.h"
#include "compute/cpu/pages.h"
#include "compute/cpu/panel/format.h"
#include "compute/cpu/panel/rows.h"

namespace hearth::compute::cpu {
namespace {

struct Sizes {
  uint64_t row_blocks;    // blocks of a row
  uint64_t slice_panels;  // panels of a slice
  uint64_t panel_bytes;
  uint64_t total_bytes;
  uint64_t source_bytes;
};

// Null if the shape does not suit the type or a size wraps.
std::optional<Sizes> sizes_of(quant::Type type, int64_t n_rows, int64_t n_cols, int64_t n_slices) {
  if (n_rows <= 0 || n_cols <= 0 || n_slices <= 0) return std::nullopt;
  const quant::TypeInfo& info = quant::type_info(type);
  const PanelFormat* format = find_panel_format(type);
  if (format == nullptr) return std::nullopt;
  const auto rows = static_cast<uint64_t>(n_rows), cols = static_cast<uint64_t>(n_cols);
  const auto slices = static_cast<uint64_t>(n_slices);
  if (cols % info.block_size != 0) return std::nullopt;
  Sizes sizes;
  sizes.row_blocks = cols / info.block_size;
  sizes.slice_panels = rows / kPanelRows + (rows % kPanelRows != 0);
  const auto panel = checked_mul<uint64_t>(sizes.row_blocks, kPanelRows * panel_row_bytes(*format));
  const auto all_panels = checked_mul<uint64_t>(sizes.slice_panels, slices);
  if (!panel || !all_panels) return std::nullopt;
  const auto total = checked_mul<uint64_t>(*panel, *all_panels);
  if (!total || *total > INT64_MAX) return std::nullopt;
  sizes.panel_bytes = *panel;
  sizes.total_bytes = *total;
  // At most total_bytes, as no panel is smaller than its source: nothing below wraps.
  sizes.source_bytes = slices * rows * sizes.row_blocks * info.block_bytes;
  return sizes;
}

// The first n of each row's `width` products.
void write_rows(const float* products, int64_t width, int64_t n_rows, int64_t n, float* out,
                int64_t stride) {
  const auto bytes = static_cast<size_t>(n) * sizeof(float);
  for (int64_t t = 0; t < n_rows; ++t) std::memcpy(out + t * stride, products + width * t, bytes);
}

// Page faults bound packing: 96 MiB at 2.1 GB/s, with huge pages at 4.5 (two cores of an EPYC
// Milan); products run at the same rate. A hint, which costs nothing where it is not followed.
void hint_huge_pages(const Pages& memory) {
  constexpr uint64_t kLeastBytes = 8 << 20;  // four huge pages
#ifdef MADV_HUGEPAGE
  if (memory.size() >= kLeastBytes) madvise(memory.data(), memory.size(), MADV_HUGEPAGE);
#endif
}

// What a thread packs at a time, and what is packed before the file's pages of it go: the most of a
// model that is in memory twice.
constexpr int64_t kChunkBytes = 64 << 10;
constexpr int64_t kWindowBytes = 2 << 20;

// Reading the bytes may have brought in what lies up to kFaultAroundBytes before them.
void release_pages(const MappedFile& file, std::span<const std::byte> bytes) {
  constexpr size_t kFaultAroundBytes = 64 << 10;
  const auto offset = static_cast<size_t>(bytes.data() - file.bytes().data());
  const size_t before = std::min(offset, kFaultAroundBytes);
  file.advise_done(offset - before, before + bytes.size());
}

}  // namespace

struct PackedMatrix::Impl {
  const PanelFormat* format;
  PanelKernel kernel;
  PanelKernel pair_kernel;  // null: none
  bool is_slow;
  ActivationFormat activation;
  int64_t n_rows, n_cols, n_slices;
  int64_t n_blocks;  // of a row
  int64_t n_panels;  // of a slice, of kPanelRows rows
  int64_t panel_bytes;
  uint64_t total_bytes;
  Pages memory;
  uint8_t* panels;

  // Panels that a call counts as one.
  int64_t group() const { return pair_kernel != nullptr ? 2 : 1; }
  // Whether a slice's panel is one of a pair, whose blocks alternate; the last one may be alone.
  bool is_paired(int64_t panel) const { return pair_kernel != nullptr && (panel | 1) < n_panels; }

  void pack_panel(const MatrixSource& source, int64_t panel);
  void pack_panels(const MatrixSource& source, int64_t begin, int64_t end, WorkerPool& pool);
  int64_t source_row(int64_t panel) const {
    return panel / n_panels * n_rows + std::min(n_rows, panel % n_panels * kPanelRows);
  }
};

// `panel` counts over all slices. Rows past the slice's last are all zero bytes.
void PackedMatrix::Impl::pack_panel(const MatrixSource& source, int64_t panel) {
  static constexpr std::byte kZeros[256] = {};
  const int64_t block_bytes = quant::type_info(format->type).block_bytes;
  CHECK(block_bytes <= static_cast<int64_t>(sizeof kZeros));
  const int64_t slice = panel / n_panels, first = panel % n_panels * kPanelRows;
  const std::byte* rows[kPanelRows];
  int64_t steps[kPanelRows];
  for (int r = 0; r < kPanelRows; ++r) {
    const bool inside = first + r < n_rows;
    rows[r] = inside ? source.data.data() + (slice * n_rows + first + r) * n_blocks * block_bytes
                     : kZeros;
    steps[r] = inside ? block_bytes : 0;
  }
  const int64_t panel_block_bytes = panel_bytes / n_blocks, in_slice = panel % n_panels;
  const bool paired = is_paired(in_slice);
  uint8_t* out = panels + panel * panel_bytes;
  if (paired && in_slice % 2 != 0) out += panel_block_bytes - panel_bytes;
  for (int64_t b = 0; b < n_blocks; ++b, out += panel_block_bytes * (paired ? 2 : 1)) {
    format->pack(rows, out);
    for (int r = 0; r < kPanelRows; ++r) rows[r] += steps[r];
  }
}

// Panels [begin, end), counted over all slices; then their pages of the file may go.
void PackedMatrix::Impl::pack_panels(const MatrixSource& source, int64_t begin, int64_t end,
                                     WorkerPool& pool) {
  const int64_t chunk = std::max<int64_t>(1, kChunkBytes / panel_bytes);
  WorkCounter counter;
  pool.run([&](int) {
    for (int64_t first; (first = begin + counter.take(chunk)) < end;) {
      const int64_t last = std::min(end, first + chunk);
      for (int64_t panel = first; panel < last; ++panel) pack_panel(source, panel);
    }
  });
  if (source.file == nullptr) return;
  CHECK(source.file->holds(source.data));
  const auto row_bytes = source.data.size() / static_cast<uint64_t>(n_slices * n_rows);
  const auto first_row = static_cast<uint64_t>(source_row(begin));
  const auto n_packed = static_cast<uint64_t>(source_row(end)) - first_row;
  release_pages(*source.file, source.data.subspan(first_row * row_bytes, n_packed * row_bytes));
}

bool PackedMatrix::can_pack(quant::Type type, int64_t n_cols, IsaLevel) {
  return n_cols > 0 && find_panel_format(type) != nullptr &&
         n_cols % static_cast<int64_t>(quant::type_info(type).block_size) == 0;
}

uint64_t PackedMatrix::packed_bytes(quant::Type type, int64_t n_rows, int64_t n_cols, IsaLevel) {
  const auto sizes = sizes_of(type, n_rows, n_cols, 1);
  return sizes ? sizes->total_bytes : UINT64_MAX;
}

Result<PackedMatrix> PackedMatrix::pack(const MatrixSource& source, IsaLevel level,
                                        WorkerPool& pool) {
  const PanelFormat* format = find_panel_format(source.type);
  const quant::TypeInfo& info = quant::type_info(source.type);
  if (format == nullptr) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("matrix '{}': no panel kernel for {}", source.name, info.name));
  }
  const auto sizes = sizes_of(source.type, source.n_rows, source.n_cols, source.n_slices);
  if (!sizes) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("matrix '{}': shape [{}, {}, {}] does not suit {}", source.name,
                            source.n_slices, source.n_rows, source.n_cols, info.name));
  }
  if (sizes->source_bytes != source.data.size()) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("matrix '{}': shape [{}, {}, {}] in {} takes {} bytes, the file has {}",
                            source.name, source.n_slices, source.n_rows, source.n_cols, info.name,
                            sizes->source_bytes, source.data.size()));
  }
  auto impl = std::make_shared<Impl>();
  impl->format = format;
  impl->kernel = panel_kernel(*format, level);
  impl->pair_kernel = panel_pair_kernel(*format, level);
  impl->is_slow = level != IsaLevel::kScalar && impl->kernel == format->scalar;
  impl->activation = compute::activation_format(source.type);
  impl->n_rows = source.n_rows;
  impl->n_cols = source.n_cols;
  impl->n_slices = source.n_slices;
  impl->n_blocks = static_cast<int64_t>(sizes->row_blocks);
  impl->n_panels = static_cast<int64_t>(sizes->slice_panels);
  impl->panel_bytes = static_cast<int64_t>(sizes->panel_bytes);
  impl->total_bytes = sizes->total_bytes;
  impl->memory = TRY(Pages::map(sizes->total_bytes, fmt::format("matrix '{}'", source.name)));
  impl->panels = reinterpret_cast<uint8_t*>(impl->memory.data());
  hint_huge_pages(impl->memory);
  const int64_t n_panels = impl->n_panels * source.n_slices;
  const int64_t window = std::max<int64_t>(1, kWindowBytes / impl->panel_bytes);
  for (int64_t begin = 0; begin < n_panels; begin += window)
    impl->pack_panels(source, begin, std::min(n_panels, begin + window), pool);
  PackedMatrix matrix;
  matrix.impl_ = std::move(impl);
  return matrix;
}

bool PackedMatrix::is_slow() const { return impl_->is_slow; }
ActivationFormat PackedMatrix::activation_format() const { return impl_->activation; }
int64_t PackedMatrix::n_rows() const { return impl_->n_rows; }
int64_t PackedMatrix::n_cols() const { return impl_->n_cols; }
int64_t PackedMatrix::n_panels() const {
  return (impl_->n_panels + impl_->group() - 1) / impl_->group();
}
int64_t PackedMatrix::panel_rows() const { return impl_->group() * kPanelRows; }
uint64_t PackedMatrix::size_bytes() const { return impl_->total_bytes; }

void PackedMatrix::multiply(const QuantizedRows& x, int64_t row_begin, int64_t row_end,
                            int64_t slice, int64_t panel_begin, int64_t panel_end, float* out,
                            int64_t out_stride) const {
  const Impl& w = *impl_;
  CHECK(x.n_cols() == w.n_cols && x.format() == w.activation);
  CHECK(row_begin >= 0 && row_end <= x.n_rows() && slice >= 0 && slice < w.n_slices);
  CHECK(panel_begin >= 0 && panel_end <= n_panels());
  const int64_t begin = panel_begin * w.group();
  const int64_t end = std::min(w.n_panels, panel_end * w.group());
  alignas(64) float products[kTileRows * 2 * kPanelRows];
  for (int64_t row = row_begin; row < row_end;) {
    const int64_t tile_end = std::min(row_end, (row / kTileRows + 1) * kTileRows);
    const QuantizedRow rows = x.storage_->at_row(row, x.n_rows(), x.n_cols(), x.format());
    PanelTile tile = {.panel = nullptr,
                      .n_blocks = w.n_blocks,
                      .stride = rows.stride,
                      .n_rows = tile_end - row,
                      .codes = rows.codes,
                      .scales = rows.scales,
                      .scaled_sums = rows.scaled_sums,
                      .offsets_8 = rows.offsets_8,
                      .offsets_16 = rows.offsets_16,
                      .offsets_32 = rows.offsets_32,
                      .lane_offsets = rows.lane_offsets,
                      .sums_32 = rows.sums_32,
                      .out = products};
    for (int64_t panel = begin, next; panel < end; panel = next) {
      const bool is_pair = w.is_paired(panel);
      next = panel + (is_pair ? 2 : 1);
      tile.panel = w.panels + (slice * w.n_panels + panel) * w.panel_bytes;
      (is_pair ? w.pair_kernel : w.kernel)(tile);
      const int64_t first = panel * kPanelRows, width = (next - panel) * kPanelRows;
      write_rows(products, width, tile.n_rows, std::min(width, w.n_rows - first),
                 out + (row - row_begin) * out_stride + first, out_stride);
    }
    row = tile_end;
  }
}

}  // namespace hearth::compute::cpu
