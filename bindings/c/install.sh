#!/bin/sh
# Installs the library for C and C++.
#
#     [PREFIX=/usr/local] [LIBDIR=lib] [DESTDIR=] install.sh BUILT
#
# BUILT is where cargo put libtokenkeep.so and libtokenkeep.a, such as target/release. LIBDIR, the libraries' place
# under PREFIX, may have several parts, such as lib/x86_64-linux-gnu. DESTDIR is put before PREFIX, for packagers.
# The installed tree may be moved: nothing in it says where it lies.

set -eu

built=${1:?"usage: install.sh BUILT"}
prefix=${PREFIX:-/usr/local}
libdir=${LIBDIR:-lib}
destination=${DESTDIR:-}$prefix

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
include=$here/../../include
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

main() {
    version=$(version_part MAJOR).$(version_part MINOR).$(version_part PATCH)
    abi_version=$(abi_version)
    name_libraries
    install_libraries
    install_headers
    install_templates
}

# One part of the version, from the header.
version_part() {
    sed -n "s/^#define TOKENKEEP_VERSION_$1 //p" "$include/tokenkeep.h"
}

# As in build.rs: 1 for all of 1.x; before that, 0.1 for all of 0.1.x.
abi_version() {
    case $version in
        0.*) echo "${version%.*}" ;;
        *) echo "${version%%.*}" ;;
    esac
}

# What the shared library is called, and what the static one needs of the system
# (cargo rustc -p tokenkeep-c -- --print native-static-libs).
name_libraries() {
    case $(uname -s) in
        Darwin)
            plain_name=libtokenkeep.dylib
            soname=libtokenkeep.$abi_version.dylib
            shared_library=libtokenkeep.$version.dylib
            system_libraries='-framework Security -framework CoreFoundation -liconv -lSystem -lc -lm'
            ;;
        *)
            plain_name=libtokenkeep.so
            soname=libtokenkeep.so.$abi_version
            shared_library=libtokenkeep.so.$version
            system_libraries='-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc'
            ;;
    esac
}

install_libraries() {
    place 755 "$built/$plain_name" "$libdir/$shared_library"
    link "$shared_library" "$libdir/$soname"
    link "$soname" "$libdir/$plain_name"
    with_private_symbols "$built/libtokenkeep.a" "$scratch/libtokenkeep.a"
    place 644 "$scratch/libtokenkeep.a" "$libdir/libtokenkeep.a"
}

# A copy of the static library that shows the linker our functions only: one object, the rest of its symbols made
# private. As cargo makes it, it shows Rust's own too, which clash with any other static library made by Rust.
with_private_symbols() {
    if [ "$(uname -s)" = Darwin ]; then
        cp "$1" "$2"
        return
    fi
    # Groups are dissolved, or the linker would drop those that the other library has as well.
    ${CC:-cc} -r -nostdlib -Wl,--force-group-allocation -Wl,--whole-archive "$1" -o "$scratch/tokenkeep.o"
    ${OBJCOPY:-objcopy} --wildcard --keep-global-symbol='tokenkeep_*' --strip-debug \
        --remove-section=.llvmbc --remove-section=.llvmcmd "$scratch/tokenkeep.o"
    ${AR:-ar} rcs "$2" "$scratch/tokenkeep.o"
}

install_headers() {
    for header in "$include"/tokenkeep.h*; do
        place 644 "$header" "include/${header##*/}"
    done
}

install_templates() {
    for package in tokenkeep tokenkeep-static; do
        fill "$package.pc.in" "$libdir/pkgconfig/$package.pc"
    done
    for script in tokenkeepConfig tokenkeepConfigVersion; do
        fill "$script.cmake.in" "$libdir/cmake/tokenkeep/$script.cmake"
    done
}

# place MODE FILE TARGET, the target under the prefix
place() {
    mkdir -p "$(dirname "$destination/$3")"
    install -m "$1" "$2" "$destination/$3"
}

# link FILE TARGET
link() {
    ln -sf "$1" "$destination/$2"
}

# fill TEMPLATE TARGET
fill() {
    up=$(way_up "$libdir")
    sed -e "s|@version@|$version|g" \
        -e "s|@abi_version@|$abi_version|g" \
        -e "s|@abi_pattern@|$(echo "$abi_version" | sed 's|\.|[.]|g')|g" \
        -e "s|@pointer_size@|$(pointer_size)|g" \
        -e "s|@libdir@|$libdir|g" \
        -e "s|@from_libdir_to_prefix@|$up|g" \
        -e "s|@from_pc_to_prefix@|$up/..|g" \
        -e "s|@soname@|$soname|g" \
        -e "s|@shared_library@|$shared_library|g" \
        -e "s|@system_libraries@|$system_libraries|g" \
        "$here/$1" >"$scratch/filled"
    place 644 "$scratch/filled" "$2"
}

# way_up lib/x86_64-linux-gnu gives ../..
way_up() {
    echo "$1" | sed 's|[^/][^/]*|..|g'
}

# Bytes of a pointer in the library: an ELF file has its class, 1 for 32 bits and 2 for 64, in the fifth byte.
pointer_size() {
    case $(uname -s) in
        Darwin) echo 8 ;;
        *) echo $(($(od -An -tu1 -j4 -N1 "$built/$plain_name") * 4)) ;;
    esac
}

main
