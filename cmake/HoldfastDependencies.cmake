# SPDX-License-Identifier: Apache-2.0
# The only file with find_package. Everything is a package of Debian 12 (script/packages); nothing
# is downloaded. Why each one is here: docs/adr/0001-dependencies.md.
include_guard(GLOBAL)

find_package(Threads REQUIRED)
find_package(absl REQUIRED CONFIG)
find_package(Protobuf 3.21 REQUIRED)
find_package(gRPC 1.51 REQUIRED CONFIG)
find_package(fmt 9 REQUIRED CONFIG)
find_package(spdlog 1.10 REQUIRED CONFIG)
find_package(SQLite3 3.40 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ICU 72 REQUIRED COMPONENTS uc i18n)
find_package(nlohmann_json 3.11 REQUIRED CONFIG)
find_package(CLI11 2.1 REQUIRED CONFIG)
find_package(prometheus-cpp REQUIRED CONFIG)  # Its package states no version.

# These have no CMake package.
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET GLOBAL libsodium>=1.0.18)
add_library(holdfast::sodium ALIAS PkgConfig::sodium)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET GLOBAL libsystemd>=252)
add_library(holdfast::systemd ALIAS PkgConfig::systemd)
pkg_check_modules(tss2 REQUIRED IMPORTED_TARGET GLOBAL tss2-esys>=3.2 tss2-tctildr>=3.2)
add_library(holdfast::tss2 ALIAS PkgConfig::tss2)
# For its header alone: which module is loaded is said by the configuration.
pkg_check_modules(p11kit REQUIRED IMPORTED_TARGET GLOBAL p11-kit-1>=0.24)
add_library(holdfast::pkcs11_header INTERFACE IMPORTED GLOBAL)
target_include_directories(holdfast::pkcs11_header SYSTEM INTERFACE ${p11kit_INCLUDE_DIRS})

if(HF_BUILD_TESTS)
  find_package(GTest 1.12 REQUIRED CONFIG)
  find_package(benchmark 1.7 REQUIRED CONFIG)
endif()
