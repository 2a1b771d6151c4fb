# Flags that hold for every target.
#
# -ffp-contract=off: a sum's rounding may not depend on which instruction set a file is compiled for;
# kernels that want a fused multiply-add write the intrinsic.
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror -ffp-contract=off)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's own std::stable_sort calls what it declares deprecated.
  add_compile_options(-Wno-deprecated-declarations)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
  add_compile_options(-D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong -fstack-clash-protection)
  add_link_options(-Wl,-z,relro,-z,now -pie)
else()
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
  add_compile_options(-D_GLIBCXX_ASSERTIONS -DHEARTH_DEBUG_CHECKS=1)
endif()

if(HEARTH_SANITIZE)
  # In instrumented code gcc takes a variant's other members for uninitialized.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
  add_compile_options(-fsanitize=${HEARTH_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HEARTH_SANITIZE})
endif()

# A kernel file names its instruction set: foo_avx2.cc, foo_dotprod.cc. Only such files get the flags;
# the dispatch in front of them asks the CPU first. Those of another architecture are not built.
set(HEARTH_ISA_avx2 -mavx2 -mfma -mf16c)
set(HEARTH_ISA_avxvnni -mavx2 -mfma -mf16c -mavxvnni)
set(HEARTH_ISA_avx512 -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni)
# gcc 12's own AVX-512 intrinsics set off this warning (GCC bug 105593).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND HEARTH_ISA_avx512 -Wno-maybe-uninitialized -Wno-uninitialized)
endif()
set(HEARTH_ISA_neon)  # every 64-bit Arm processor has it
set(HEARTH_ISA_dotprod -march=armv8.2-a+dotprod)
set(HEARTH_ISA_i8mm -march=armv8.2-a+dotprod+i8mm)
set(HEARTH_X86_ISAS avx2 avxvnni avx512)
set(HEARTH_ARM_ISAS neon dotprod i8mm)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(HEARTH_ISAS ${HEARTH_X86_ISAS})
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(HEARTH_ISAS ${HEARTH_ARM_ISAS})
else()
  set(HEARTH_ISAS)
endif()
set(HEARTH_FOREIGN_ISAS ${HEARTH_X86_ISAS} ${HEARTH_ARM_ISAS})
list(REMOVE_ITEM HEARTH_FOREIGN_ISAS ${HEARTH_ISAS})
