# hearth_rust: the Rust crate in rust/ as one static library behind the C headers in rust/include.
# The presets share one cargo folder, so that a second preset does not compile the crates again;
# sanitizer builds link the same, uninstrumented library. Fuzzers get one of their own that libFuzzer
# sees into, with overflows and debug assertions as panics.
find_program(HEARTH_CARGO NAMES cargo HINTS $ENV{HOME}/.cargo/bin)
if(NOT HEARTH_CARGO)
  message(FATAL_ERROR "cargo is missing: install Rust 1.85 or later "
                      "(Debian 12: apt-get install cargo-web rustc-web; elsewhere: rustup)")
endif()

file(GLOB_RECURSE HEARTH_RUST_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/rust/src/*.rs)
set(HEARTH_RUST_TARGET_DIR ${CMAKE_SOURCE_DIR}/build/rust)
set(HEARTH_RUST_BUILT ${HEARTH_RUST_TARGET_DIR}/release)
set(HEARTH_RUST_FLAGS "")
set(HEARTH_RUST_OPTIONS "")
if(HEARTH_FUZZ)
  execute_process(COMMAND rustc -vV OUTPUT_VARIABLE rustc_says COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCH "host: ([^\n]+)" host "${rustc_says}")
  set(HEARTH_RUST_OPTIONS --target ${CMAKE_MATCH_1})  # leaves build scripts as they are
  set(HEARTH_RUST_TARGET_DIR ${CMAKE_SOURCE_DIR}/build/rust-fuzz)
  set(HEARTH_RUST_BUILT ${HEARTH_RUST_TARGET_DIR}/${CMAKE_MATCH_1}/release)
  string(JOIN " " HEARTH_RUST_FLAGS -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3
         -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
         -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions=on -Ccodegen-units=1)
endif()
set(HEARTH_RUST_LIB ${CMAKE_BINARY_DIR}/libhearth_rust.a)
add_custom_command(
  OUTPUT ${HEARTH_RUST_LIB}
  COMMAND ${CMAKE_COMMAND} -E env CARGO_TARGET_DIR=${HEARTH_RUST_TARGET_DIR}
          "RUSTFLAGS=${HEARTH_RUST_FLAGS}" ${HEARTH_CARGO} build --release --locked --quiet ${HEARTH_RUST_OPTIONS}
          --manifest-path ${CMAKE_SOURCE_DIR}/rust/Cargo.toml
  COMMAND ${CMAKE_COMMAND} -E copy ${HEARTH_RUST_BUILT}/libhearth_rust.a ${HEARTH_RUST_LIB}
  DEPENDS ${HEARTH_RUST_SOURCES} ${CMAKE_SOURCE_DIR}/rust/Cargo.toml ${CMAKE_SOURCE_DIR}/rust/Cargo.lock
  COMMENT "cargo build: hearth_rust"
  VERBATIM)
add_custom_target(hearth_rust_build DEPENDS ${HEARTH_RUST_LIB})

add_library(hearth_rust STATIC IMPORTED GLOBAL)
set_target_properties(hearth_rust PROPERTIES IMPORTED_LOCATION ${HEARTH_RUST_LIB})
target_include_directories(hearth_rust INTERFACE ${CMAKE_SOURCE_DIR}/rust/include)
target_link_libraries(hearth_rust INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m)
add_dependencies(hearth_rust hearth_rust_build)
