#!/usr/bin/env bash
# CSqueezeBert.xcframework beside this file: the C API as a static library for iPhones, their simulator
# and Macs. Needs Xcode and CMake. Not tried yet: no Mac was at hand where this was written.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
build="$here/../../build/xcframework"
headers="$build/headers"
rm -rf "$headers" "$here/CSqueezeBert.xcframework"
mkdir -p "$headers"
cp "$here/../../native/include/squeezebert.h" "$headers/"
printf 'module CSqueezeBert {\n    header "squeezebert.h"\n    export *\n}\n' >"$headers/module.modulemap"

parts=()
# add NAME SYSTEM SDK OLDEST_VERSION
add() {
    cmake -S "$here/../../native" -B "$build/$1" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_SYSTEM_NAME="$2" -DCMAKE_OSX_SYSROOT="$3" -DCMAKE_OSX_ARCHITECTURES=arm64 \
        -DCMAKE_SYSTEM_PROCESSOR=arm64 -DCMAKE_OSX_DEPLOYMENT_TARGET="$4"
    cmake --build "$build/$1" --target squeezebert_static
    parts+=(-library "$build/$1/libsqueezebert_static.a" -headers "$headers")
}
add iphone iOS iphoneos 13.0
add simulator iOS iphonesimulator 13.0
add mac Darwin macosx 11.0
xcodebuild -create-xcframework "${parts[@]}" -output "$here/CSqueezeBert.xcframework"
