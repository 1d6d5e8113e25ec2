# SPDX-License-Identifier: Apache-2.0
# The only place where targets are shaped.
include_guard(GLOBAL)

# What script/test builds in one go: every program, and every test that carries a label. A test may
# carry several.
#   unit         the default      integration  starts whole programs     slow   for --slow only
#   regression   one bug each     fuzz         a fuzz target             bench  a benchmark's smoke run
#   race         free of gRPC, so that ThreadSanitizer can judge it too
set(HF_LABELS unit integration regression slow fuzz bench race)
foreach(label IN LISTS HF_LABELS)
  add_custom_target(labelled_${label})
endforeach()
add_custom_target(programs)
add_custom_target(release_check)
add_dependencies(release_check programs labelled_integration labelled_bench)

# Stops the configure step on a misspelt keyword, which CMake would otherwise ignore.
macro(hf_require_known_arguments what)
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${what}: unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
endmacro()

# hf_library(<name> SOURCES ... [DEPS ...] [PRIVATE_DEPS ...])
# A static library hf_<name> with alias holdfast::<name>; includes start at the repository's root.
function(hf_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS;PRIVATE_DEPS")
  hf_require_known_arguments("hf_library(${name})")
  add_library(hf_${name} STATIC ${arg_SOURCES})
  add_library(holdfast::${name} ALIAS hf_${name})
  target_include_directories(hf_${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  target_link_libraries(hf_${name} PUBLIC ${arg_DEPS} PRIVATE ${arg_PRIVATE_DEPS} holdfast::options)
endfunction()

# hf_executable(<name> SOURCES ... [DEPS ...] [INSTALL_TO <folder>])
# A program in <build>/bin, installed to <folder> if that is given.
function(hf_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "INSTALL_TO" "SOURCES;DEPS")
  hf_require_known_arguments("hf_executable(${name})")
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPS} holdfast::options)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin"
    POSITION_INDEPENDENT_CODE ON)
  hf_heavy_link(${name})
  add_dependencies(programs ${name})
  if(arg_INSTALL_TO)
    install(TARGETS ${name} RUNTIME DESTINATION "${arg_INSTALL_TO}")
  endif()
endfunction()

# hf_test(<name> SOURCES ... [DEPS ...] [LABELS ...])
# A GoogleTest program, which is one test of ctest: starting a sanitized program that links gRPC
# costs more than most tests in it.
function(hf_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS;LABELS")
  hf_require_known_arguments("hf_test(${name})")
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE
    ${arg_DEPS} holdfast::options GTest::gmock GTest::gtest GTest::gtest_main)
  hf_heavy_link(${name})
  add_test(NAME ${name} COMMAND ${name})
  set(seconds 300)  # Of the 45 to 90 that the longest takes under sanitizers beside other work.
  if("slow" IN_LIST arg_LABELS)
    set(seconds 3600)
  endif()
  hf_register_test(${name} ${seconds} ${arg_LABELS})
  hf_list_sources(${arg_SOURCES})
endfunction()

# hf_command_test(<name> COMMAND ... [LABELS ...])
# A test that is a command, such as a script that drives programs; zero means passed.
function(hf_command_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "COMMAND;LABELS")
  hf_require_known_arguments("hf_command_test(${name})")
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  set(seconds 120)
  if("slow" IN_LIST arg_LABELS)
    set(seconds 3600)
  endif()
  hf_register_test(${name} ${seconds} ${arg_LABELS})
endfunction()

# hf_bench(<name> SOURCES ... [DEPS ...] [OWN_MAIN] [SMOKE ...])
# A benchmark for script/bench, in <build>/bench. ctest runs it with the arguments SMOKE, only to
# see that it still works (label `bench`). OWN_MAIN leaves out google-benchmark's main().
function(hf_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "OWN_MAIN" "" "SOURCES;DEPS;SMOKE")
  hf_require_known_arguments("hf_bench(${name})")
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPS} holdfast::options benchmark::benchmark)
  if(NOT arg_OWN_MAIN)
    target_link_libraries(${name} PRIVATE benchmark::benchmark_main)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bench")
  hf_heavy_link(${name})
  if(NOT arg_SMOKE)
    set(arg_SMOKE --benchmark_min_time=0.001)
  endif()
  add_test(NAME ${name} COMMAND ${name} ${arg_SMOKE})
  hf_register_test(${name} 120 bench)
endfunction()

# hf_fuzzer(<name> SOURCES ... [DEPS ...] [CORPUS <folder>])
# A libFuzzer target where HF_FUZZ is on. Everywhere else the same code runs over its corpus, and
# over mutations of it, as a test, so that a fuzz target cannot rot between two fuzzing runs.
function(hf_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;DEPS")
  hf_require_known_arguments("hf_fuzzer(${name})")
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_DEPS} holdfast::options)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
  hf_heavy_link(${name})
  set(corpus)
  if(arg_CORPUS)
    cmake_path(ABSOLUTE_PATH arg_CORPUS NORMALIZE OUTPUT_VARIABLE corpus)
  endif()
  if(HF_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    # What the fuzzer finds goes into the first folder, and that is never one of the sources.
    set(found "${PROJECT_BINARY_DIR}/fuzz/${name}.corpus")
    file(MAKE_DIRECTORY "${found}")
    add_test(NAME ${name} COMMAND ${name}
      -max_total_time=${HF_FUZZ_SECONDS} -timeout=10 -rss_limit_mb=4096 "${found}" ${corpus})
    math(EXPR seconds "${HF_FUZZ_SECONDS} + 120")
  else()
    target_link_libraries(${name} PRIVATE holdfast::fuzz_replay)
    add_test(NAME ${name} COMMAND ${name} ${corpus})
    set(seconds 120)
  endif()
  hf_register_test(${name} ${seconds} fuzz)
endfunction()

# Call last in tests/. A test that is on disk but in no target would rot unnoticed, so it stops
# the configure step where HF_WERROR is on, and is named everywhere else.
function(hf_require_all_tests_listed)
  file(GLOB_RECURSE on_disk "${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc")
  get_property(listed GLOBAL PROPERTY HF_TEST_SOURCES)
  if(listed)
    list(REMOVE_ITEM on_disk ${listed})
  endif()
  if(on_disk)
    set(severity WARNING)
    if(HF_WERROR)
      set(severity FATAL_ERROR)
    endif()
    message(${severity} "tests in no target: ${on_disk}")
  endif()
endfunction()

# A sanitized link takes most of a gigabyte: one at a time.
function(hf_heavy_link name)
  if(HF_SANITIZE)
    set_target_properties(${name} PROPERTIES JOB_POOL_LINK heavy)
  endif()
endfunction()

# hf_heavy_compile(<target>...): for generated code, where one file takes 0.7 GB and many seconds.
function(hf_heavy_compile)
  set_target_properties(${ARGN} PROPERTIES JOB_POOL_COMPILE heavy)
endfunction()

# hf_register_test(<test> <timeout in seconds> [<label>...])
# What every test runs with. A test without a label of its own is labelled `unit`.
function(hf_register_test name seconds)
  set(labels ${ARGN})
  if(NOT labels)
    set(labels unit)
  endif()
  foreach(label IN LISTS labels)
    if(NOT label IN_LIST HF_LABELS)
      message(FATAL_ERROR "${name}: no such label: ${label}")
    endif()
  endforeach()
  set(leaks lsan)
  if("integration" IN_LIST labels)
    set(leaks lsan_programs)
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS "${labels}"
    TIMEOUT ${seconds}
    ENVIRONMENT "ASAN_OPTIONS=check_initialization_order=1:detect_stack_use_after_return=1;LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/${leaks}.supp:print_suppressions=0;UBSAN_OPTIONS=print_stacktrace=1;TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/tsan.supp")
  if(NOT TARGET ${name})
    return()
  endif()
  foreach(label IN LISTS labels)
    add_dependencies(labelled_${label} ${name})
  endforeach()
endfunction()

function(hf_list_sources)
  foreach(source IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH source NORMALIZE)
    set_property(GLOBAL APPEND PROPERTY HF_TEST_SOURCES "${source}")
  endforeach()
endfunction()
