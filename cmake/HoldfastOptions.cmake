# SPDX-License-Identifier: Apache-2.0
# What every target of ours is compiled with.
include_guard(GLOBAL)

option(HF_BUILD_TESTS "Build tests, benchmarks and fuzz targets" ON)
option(HF_WERROR "Warnings, and tests on disk that no target builds, are errors" OFF)
option(HF_FUZZ "Link fuzz targets with libFuzzer (clang only); otherwise they replay their corpus" OFF)
set(HF_FUZZ_SECONDS 60 CACHE STRING "How long ctest runs each fuzz target where HF_FUZZ is on")
option(HF_CCACHE "Compile through ccache if it is installed" ON)
set(HF_SANITIZE "" CACHE STRING "Sanitizers for all code of ours, such as address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Line tables are all that a stack trace needs; full debug information doubles the time of a link.
# -Og compiles as quickly as -O0, and sanitized code comes out at half the size.
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

# A generated file or a sanitized link needs up to 0.7 GB, so one of them at a time.
set_property(GLOBAL PROPERTY JOB_POOLS heavy=1)

if(HF_CCACHE)
  find_program(HF_CCACHE_PROGRAM ccache)
endif()
if(HF_CCACHE AND HF_CCACHE_PROGRAM)
  # In the launcher and not in the presets, so that a bare `ninja` has the same cache. With these
  # three settings two clones, or two build folders, share their results.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 CCACHE_COMPILERCHECK=content
      "${HF_CCACHE_PROGRAM}")
endif()

add_library(hf_options INTERFACE)
add_library(holdfast::options ALIAS hf_options)
target_compile_features(hf_options INTERFACE cxx_std_20)
target_compile_options(hf_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-qual
  -Wold-style-cast -Wnon-virtual-dtor -Wextra-semi -Wundef -Wformat=2
  -Werror=unused-result -Werror=switch -Werror=return-type
  $<$<BOOL:${HF_WERROR}>:-Werror>
  -fstack-protector-strong -fstack-clash-protection -fno-omit-frame-pointer)
target_compile_definitions(hf_options INTERFACE _GLIBCXX_ASSERTIONS)
target_link_options(hf_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)

# How the whole program is instrumented. Separate from hf_options because generated code takes
# this and not our warnings.
add_library(hf_instrumentation INTERFACE)
add_library(holdfast::instrumentation ALIAS hf_instrumentation)
target_compile_features(hf_instrumentation INTERFACE cxx_std_20)
if(HF_SANITIZE)
  target_compile_options(hf_instrumentation INTERFACE
    -fsanitize=${HF_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(hf_instrumentation INTERFACE -fsanitize=${HF_SANITIZE})
  if(HF_SANITIZE MATCHES "undefined")
    # At a fixed address: UndefinedBehaviorSanitizer describes each of its checks with pointers, and
    # to relocate four million of them took half of the 0.7 s in which a test started `holdfast`.
    target_link_options(hf_instrumentation INTERFACE -no-pie)
  endif()
else()
  # Fortify needs an optimiser, and gets in a sanitizer's way.
  target_compile_definitions(hf_instrumentation INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=3>)
endif()
if(HF_FUZZ)
  target_compile_options(hf_instrumentation INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_link_libraries(hf_options INTERFACE holdfast::instrumentation)
