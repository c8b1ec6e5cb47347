# Set-up shared by quickstart.sh and check.sh: packages, Python packages,
# configure, build. Source it; it defines functions and runs nothing.
# shellcheck shell=bash disable=SC2034
#
# Exit codes: 1 the build or its folder is wrong, 69 something that this
# script cannot install is missing, 74 a folder cannot be written.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
llvm=${DSA_LLVM_DIR:-/usr/lib/llvm-22}
build=${DSA_BUILD_DIR:-$root/build}
case $build in
/*) ;;
*) build=$PWD/$build ;;
esac

# Package, and the file or command that shows it is there. Files and not
# dpkg's database: they are what the build uses, wherever they came from.
build_needs=(
  "clang-22 $llvm/bin/clang++"
  "lld-22 $llvm/bin/ld.lld"
  "liblld-22-dev $llvm/lib/cmake/lld/LLDConfig.cmake"
  "llvm-22-dev $llvm/lib/cmake/llvm/LLVMConfig.cmake"
  "llvm-22-tools $llvm/bin/FileCheck"
  "libmlir-22-dev $llvm/lib/cmake/mlir/MLIRConfig.cmake"
  "mlir-22-tools $llvm/bin/mlir-tblgen"
  "libomp-22-dev $llvm/lib/libomp.so"
  "cmake cmake"
  "ninja-build ninja"
  "ccache ccache"
)

environment_help="environment:
  DSA_BUILD_DIR   build folder (default: build in the source folder)
  DSA_LLVM_DIR    where LLVM and MLIR 22 are (default: /usr/lib/llvm-22)

exit codes: 0 ok, 1 failed, 2 usage, 69 something is missing that this script
cannot install (it says what), 74 the build folder cannot be written"

die() { # CODE MESSAGE...
  local code=$1
  shift
  printf '%s: error: %s\n' "$(basename "$0" .sh)" "$*" >&2
  exit "$code"
}

# Numbered steps: `begin TITLE ... finish [NOTE]`, with elapsed seconds.
step_number=0
step_total=0
step_start=0
begin() {
  step_number=$((step_number + 1))
  step_start=$SECONDS
  printf '[%d/%d, %d s] %s\n' "$step_number" "$step_total" "$SECONDS" "$1"
}
finish() {
  printf '    %s (%d s)\n' "${1:-done}" "$((SECONDS - step_start))"
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

may_install() {
  [ "$(id -u)" -eq 0 ] || { command -v sudo && sudo -n true; } >/dev/null 2>&1
}

on_debian_12() {
  # shellcheck disable=SC1091
  (. /etc/os-release && [ "$ID $VERSION_ID" = "debian 12" ]) 2>/dev/null
}

security_suite_hint() {
  on_debian_12 || return 0
  apt-cache policy 2>/dev/null | grep -q 'n=bookworm-security' && return 0
  # A new system has no package lists yet: then the sources themselves tell.
  if ! apt-cache policy 2>/dev/null | grep -q 'n=bookworm,' &&
    grep -rqs '^[^#]*bookworm-security' /etc/apt/sources.list /etc/apt/sources.list.d; then
    return 0
  fi
  cat >&2 <<END
LLVM 22 is in Debian 12's security suite, which is not enabled here: add the
suite bookworm-security (component main, from your mirror's debian-security
archive; sources.list(5) has the form) to /etc/apt/sources.list, then run
'apt-get update'.
END
}

# The Python for the virtual environment: the first that has venv and is new
# enough for the pinned packages. Sets `python`.
find_python() {
  local candidate
  python=
  for candidate in /usr/bin/python3 python3; do
    if "$candidate" -c 'import sys, venv, ensurepip
sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      python=$candidate
      return 0
    fi
  done
  return 1
}

# Installs what is missing of the needs ("PACKAGE FILE" each).
setup_packages() {
  local need missing=() install package candidate
  for need in "$@"; do
    command -v "${need#* }" >/dev/null 2>&1 || [ -e "${need#* }" ] ||
      missing+=("${need%% *}")
  done
  find_python || missing+=(python3-venv)
  [ ${#missing[@]} -gt 0 ] || return 0

  echo "    missing: ${missing[*]}"
  if ! command -v apt-get >/dev/null; then
    die 69 "no apt-get here; install by hand, under these Debian names: ${missing[*]} (clang, lld, LLVM and MLIR 22.1 under $llvm or where DSA_LLVM_DIR says, cmake 3.25, ninja, ccache, Python 3.11 with venv)"
  fi
  install="apt-get install -y --no-install-recommends ${missing[*]}"
  if ! may_install; then
    security_suite_hint
    die 69 "packages are missing and this is neither root nor a user of sudo without password; run as root: apt-get update && $install"
  fi

  # The lists may be absent (a new system) or old. What counts is whether each
  # package can be had afterwards, so a source of something else may fail.
  as_root apt-get -q update || true
  for package in "${missing[@]}"; do
    candidate=$(LC_ALL=C apt-cache policy "$package" | sed -n 's/^ *Candidate: //p')
    if [ -z "$candidate" ] || [ "$candidate" = "(none)" ]; then
      security_suite_hint
      die 69 "apt offers no package $package; enable a source that has it, then run: apt-get update && $install"
    fi
  done
  # shellcheck disable=SC2086
  as_root $install -q -o DPkg::Lock::Timeout=300 </dev/null ||
    die 69 "apt-get failed (its message is above); run as root: apt-get update && $install"
  hash -r
  find_python || die 69 "no Python 3.11 or newer with venv; run as root: apt-get install python3-venv"
}

cache_value() { # FOLDER VARIABLE
  sed -n "s/^$2:[A-Z]*=//p" "$1/CMakeCache.txt"
}

# Refuses a build folder that was made by something else, by name.
check_build_folder() { # FOLDER SANITIZERS
  local folder=$1 sanitizers=$2 reason='' variable want have
  local way="remove it (rm -r '$folder') or set DSA_BUILD_DIR to another folder"
  if [ "$(readlink -f "$folder")" = "$root" ]; then
    die 1 "the build folder is the source folder; set DSA_BUILD_DIR to another folder"
  elif [ ! -e "$folder" ]; then
    return 0
  elif [ ! -d "$folder" ]; then
    reason="it is not a folder"
  elif [ ! -e "$folder/CMakeCache.txt" ]; then
    # Empty, ours before its first configure, or someone's home.
    if [ -n "$(ls -A "$folder")" ] && [ ! -e "$folder/.dsa-build" ]; then
      reason="it holds files and is no build folder of this project"
      # Whatever it is, no advice to remove it.
      way="set DSA_BUILD_DIR to another folder"
    fi
  else
    while read -r variable want; do
      have=$(cache_value "$folder" "$variable")
      case $variable in
      *_COMPILER | *_DIR | *_DIRECTORY)
        if [ -n "$have" ]; then have=$(readlink -m "$have"); fi
        want=$(readlink -m "$want")
        ;;
      esac
      if [ -n "$have" ] && [ "$have" != "$want" ]; then
        reason="its $variable is '$have', not '$want'"
        break
      fi
    done <<END
CMAKE_HOME_DIRECTORY $root
CMAKE_CACHEFILE_DIR $folder
CMAKE_GENERATOR Ninja
CMAKE_CXX_COMPILER $llvm/bin/clang++
CMAKE_BUILD_TYPE Release
MLIR_DIR $llvm/lib/cmake/mlir
DSA_ENABLE_SANITIZERS $sanitizers
END
  fi
  [ -z "$reason" ] || die 1 "the build folder $folder does not fit: $reason; $way"
}

# Makes the build folder ours and keeps a second run out of it.
open_build_folder() {
  check_build_folder "$build" OFF
  # In a child, so that a redirection that fails is an answer, not an exit.
  (mkdir -p "$build" && : >>"$build/.dsa-build") ||
    die 74 "cannot write the build folder $build; set DSA_BUILD_DIR to another folder"
  exec 9<"$build/.dsa-build"
  if ! flock -n 9; then
    echo "another run uses $build; waiting for it"
    flock 9
  fi
}

# Pinned Python packages in a virtual environment under the build folder; its
# stamp says which, so that a run with everything in place needs no network.
setup_python() {
  local venv=$build/venv want
  want="$("$python" -c 'import sys; print(sys.executable, sys.version)' |
    cat - "$root/tools/requirements.txt" | sha256sum)"
  unset PYTHONPATH PYTHONHOME
  if [ "$(cat "$venv/.installed" 2>/dev/null)" = "$want" ] &&
    "$venv/bin/python" -c 'import numpy, ml_dtypes' 2>/dev/null; then
    return 0
  fi
  rm -rf "$venv"
  "$python" -m venv "$venv" || die 69 "$python cannot make a virtual environment in $venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --only-binary=:all: --requirement "$root/tools/requirements.txt" ||
    die 69 "pip could not install the packages of tools/requirements.txt into $venv; is there a network?"
  echo "$want" >"$venv/.installed"
}

configure() { # FOLDER SANITIZERS
  local folder=$1 sanitizers=$2 log=$1/configure.log linker=-fuse-ld=lld
  local compilers=()
  (check_build_folder "$folder" "$sanitizers") && mkdir -p "$folder" || return 1
  # A folder that fits keeps its compilers: given under another name of the
  # same file, CMake would forget all other settings.
  [ -e "$folder/CMakeCache.txt" ] || compilers=(
    -DCMAKE_C_COMPILER="$llvm/bin/clang"
    -DCMAKE_CXX_COMPILER="$llvm/bin/clang++"
  )
  if ! cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    "${compilers[@]}" \
    -DCMAKE_EXE_LINKER_FLAGS="$linker" -DCMAKE_SHARED_LINKER_FLAGS="$linker" \
    -DCMAKE_MODULE_LINKER_FLAGS="$linker" \
    -DMLIR_DIR="$llvm/lib/cmake/mlir" -DLLVM_DIR="$llvm/lib/cmake/llvm" \
    -DDSA_PYTHON="$build/venv/bin/python" \
    -DDSA_ENABLE_SANITIZERS="$sanitizers" >"$log" 2>&1; then
    cat "$log" >&2
    return 1
  fi
}

compile() { # FOLDER
  cmake --build "$1" --parallel "$(nproc)"
}
