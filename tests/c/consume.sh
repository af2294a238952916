#!/bin/sh
# Installs the library into a fresh place and builds programs against it from outside the tree.
#
#     consume.sh BUILT SCRATCH
#
# BUILT is where cargo put the libraries; SCRATCH is an empty directory to work in.

set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
built=$1
scratch=$2
cc=${CC:-cc}

main() {
    PREFIX=$scratch/installed LIBDIR=lib/here sh "$here/../../bindings/c/install.sh" "$built"
    cp -r "$here/consumer" "$scratch/outside"
    cd "$scratch/outside"

    consume "$scratch/installed"
    mv "$scratch/installed" "$scratch/moved"
    consume "$scratch/moved"

    live_with_another_rust_library "$scratch/moved"
    respect_destdir
}

# consume PREFIX
consume() {
    libdir=$1/lib/here
    by_pkg_config tokenkeep shared
    by_pkg_config tokenkeep-static static
    by_cmake
}

# by_pkg_config PACKAGE KIND
by_pkg_config() {
    # shellcheck disable=SC2046 # they are several words
    $cc consumer.c -o "by-pkg-config-$2" $(PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --cflags --libs "$1")
    try "by-pkg-config-$2" "$2"
}

by_cmake() {
    version=$(PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --modversion tokenkeep)
    configure "${version%.*}" || fail "CMake does not find the package: $(cat cmake.log)"
    cmake --build build >cmake.log || fail "CMake does not build: $(cat cmake.log)"
    try build/consumer-shared shared
    try build/consumer-static static
    try build/consumer-tokenkeep shared
    if configure "$((${version%%.*} + 1)).0"; then fail "CMake takes this package for a later one"; fi
}

# configure VERSION
configure() {
    rm -rf build
    cmake -S . -B build "-Dwanted=$1" "-DCMAKE_PREFIX_PATH=$libdir/cmake" "-DCMAKE_C_COMPILER=$cc" >cmake.log 2>&1
}

# try PROGRAM KIND: it runs, and loads the shared library or does not.
try() {
    said=$(LD_LIBRARY_PATH=$libdir "./$1")
    case $said in
        "tokenkeep "*": Bearer given") ;;
        *) fail "$1 said: $said" ;;
    esac
    if LD_LIBRARY_PATH=$libdir ldd "./$1" | grep -q libtokenkeep; then found=shared; else found=static; fi
    [ "$found" = "$2" ] || fail "$1 is $found"
    echo "ok: $1 of ${libdir%/lib/here}"
}

# Optimised as a whole and not: the two clash in different ways.
live_with_another_rust_library() {
    for lto in off fat; do
        rustc --edition 2024 --crate-type staticlib -C lto=$lto -O -o libneighbour.a neighbour.rs
        # shellcheck disable=SC2046 # they are several words
        $cc neighbours.c libneighbour.a -o neighbours \
            $(PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --cflags --libs tokenkeep-static)
        ./neighbours || fail "neighbours (lto=$lto)"
        echo "ok: beside another static Rust library (lto=$lto)"
    done
}

respect_destdir() {
    DESTDIR=$scratch/stage PREFIX=/usr sh "$here/../../bindings/c/install.sh" "$built"
    [ -e "$scratch/stage/usr/lib/libtokenkeep.so" ] || fail "DESTDIR"
    if grep -r "$scratch" "$scratch/stage/usr/lib/pkgconfig" "$scratch/stage/usr/lib/cmake"; then
        fail "an installed file says where it was installed"
    fi
    echo "ok: DESTDIR"
}

fail() {
    echo "consume.sh: $1" >&2
    exit 1
}

main
