# SPDX-License-Identifier: Apache-2.0
# cmake -DINPUT=file -DOUTPUT=file.cc -P embed.cmake: the bytes of a file as a C++ array.
file(READ "${INPUT}" digits HEX)
string(LENGTH "${digits}" length)
math(EXPR bytes "${length} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," array "${digits}")
file(WRITE "${OUTPUT}" "// Made by the build.
namespace holdfast::daemon {
extern const unsigned char kConfigDescriptor[];
extern const unsigned long kConfigDescriptorBytes;
const unsigned char kConfigDescriptor[] = {${array}};
const unsigned long kConfigDescriptorBytes = ${bytes};
}  // namespace holdfast::daemon
")
