# The core and its C API as one WebAssembly module, which web/src/module.ts starts. Emscripten's own
# JavaScript is left out: the module imports a handful of functions.
#
#   emcmake cmake -S native -B build/web/native && cmake --build build/web/native     (`make web`)

file(STRINGS include/squeezebert.h declarations)
set(exported _malloc _free)
foreach(line IN LISTS declarations)
  if(line MATCHES "^(SQUEEZEBERT_API| +).*[ *](squeezebert_[a-z0-9_]+)\\(")
    list(APPEND exported _${CMAKE_MATCH_2})
  endif()
endforeach()
if(SQUEEZEBERT_WEB_THREADS)
  # A memory that JavaScript makes and shares (web/src/module.ts has the same numbers). Emscripten's
  # threads would bring its JavaScript; helpers here only compute, so libraries may be those for one.
  list(APPEND exported _squeezebert_help)
  set(memory -sIMPORTED_MEMORY -sINITIAL_MEMORY=16777216 -sMAXIMUM_MEMORY=1073741824
             -Wl,--shared-memory,--no-check-features)
endif()
list(REMOVE_DUPLICATES exported)
list(JOIN exported "," exported)

# What is downloaded: only kernels (kernels.cmake) are worth the size of -O3.
get_target_property(sources squeezebert_core SOURCES)
list(FILTER sources EXCLUDE REGEX "kernels/")
set_source_files_properties(${sources} api/c_api.cpp api/text_api.cpp PROPERTIES COMPILE_OPTIONS -Os)

add_executable(engine api/c_api.cpp api/text_api.cpp)
target_link_libraries(engine PRIVATE squeezebert_core)
target_include_directories(engine PRIVATE include)
target_compile_definitions(engine PRIVATE SQUEEZEBERT_VERSION="${PROJECT_VERSION}")
set_target_properties(engine PROPERTIES SUFFIX .wasm)
squeezebert_warnings(engine)
target_link_options(engine PRIVATE -O3 --no-entry -sSTANDALONE_WASM -sALLOW_MEMORY_GROWTH
  -sFILESYSTEM=0 -sTOTAL_STACK=1MB "-sEXPORTED_FUNCTIONS=${exported}" ${memory})
