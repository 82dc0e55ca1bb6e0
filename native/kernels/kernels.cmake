# One file an instruction set, each compiled for its own; dispatch.cpp chooses at run time. All other
# code is for the plain processor of the platform, so -march=native must never stand here.
include(CheckCXXCompilerFlag)

set(plain_kernels ${CMAKE_CURRENT_LIST_DIR}/dispatch.cpp ${CMAKE_CURRENT_LIST_DIR}/portable.cpp)
target_sources(squeezebert_core PRIVATE ${plain_kernels})

# multiply_add() in vector.h says why.
set(same_bits -ffp-contract=off)
if(EMSCRIPTEN)
  list(APPEND same_bits -O3)
endif()
set_source_files_properties(${plain_kernels} PROPERTIES COMPILE_OPTIONS "${same_bits}")

# squeezebert_kernel(avx2 -mavx2 ...): adds avx2.cpp with its flags and defines SQUEEZEBERT_HAS_AVX2
# for all sources of the core, or does neither where the compiler doesn't know the flags.
function(squeezebert_kernel name)
  set(source ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${name}.cpp)
  string(TOUPPER ${name} upper)
  string(REPLACE ";" " " flags "${ARGN}")
  if(ARGN)
    check_cxx_compiler_flag("${flags}" SQUEEZEBERT_COMPILES_${upper})
    if(NOT SQUEEZEBERT_COMPILES_${upper})
      message(WARNING "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} lacks ${flags}: "
                      "built without the ${name} kernels")
      return()
    endif()
  endif()
  target_sources(squeezebert_core PRIVATE ${source})
  set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS
                              "${ARGN};${same_bits};${compiler_options}")
  target_compile_definitions(squeezebert_core PRIVATE SQUEEZEBERT_HAS_${upper})
endfunction()

# GCC 12 warns of its own <avx512fintrin.h>, where __m512 __Y = __Y means "undefined" on purpose.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  set(compiler_options -Wno-uninitialized -Wno-maybe-uninitialized)
endif()

string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" processor)
if(processor MATCHES "^(x86_64|amd64)$")
  set(avx2 -mavx2 -mfma -mf16c)
  set(avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mfma -mf16c
             -mprefer-vector-width=512)
  squeezebert_kernel(avx2 ${avx2})
  squeezebert_kernel(avx_vnni ${avx2} -mavxvnni)
  squeezebert_kernel(avx512_vnni ${avx512})
  squeezebert_kernel(avx512_bf16 ${avx512} -mavx512bf16)
  set(amx ${avx512} -mavx512bf16 -mamx-tile -mamx-int8 -mamx-bf16)
  squeezebert_kernel(amx ${amx})
  squeezebert_kernel(amx_fp16 ${amx} -mavx512fp16 -mavx512vbmi)
elseif(processor MATCHES "^(aarch64|arm64)$")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # It would load weights so long before their use that sums no longer fit the registers.
    list(APPEND compiler_options -fno-schedule-insns)
  endif()
  squeezebert_kernel(neon)
  squeezebert_kernel(neon_dotprod -march=armv8.2-a+dotprod)
  squeezebert_kernel(neon_i8mm -march=armv8.2-a+dotprod+i8mm)
endif()
