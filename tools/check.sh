#!/bin/bash
# The same set-up as quickstart.sh, then every test.
# shellcheck disable=SC2329 # `check` calls functions by name
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage="usage: tools/check.sh [--quick] [--tidy[=REF]] [--help]

Installs the Debian packages that are missing, builds the project into ./build
and runs every test: formatting, source rules, generated docs, what ptxas makes
of the GPU kernels, lit, pytest, broken variants of the tests' files
(tools/fuzz/mutate.py), GPU kernels without one of their barriers
(tools/mutation.sh), and lit again on a build with address and
undefined-behaviour sanitizers. A step that fails does not hide the later ones;
only a failed build ends the run.
With everything in place it needs no network; what needs ptxas is skipped where
it cannot be had (tools/get-ptxas.sh). The last line is 'N passed, N failed';
each test of lit and pytest counts, and each check.

  --quick       leave the broken variants, the kernels without barriers and the
                sanitizer build out
  --tidy[=REF]  also run clang-tidy on the .cpp files changed since the git
                commit REF (default HEAD~1)

$environment_help"

quick=false
tidy=
for argument in "$@"; do
  case $argument in
  --quick) quick=true ;;
  --tidy) tidy=HEAD~1 ;;
  --tidy=?*) tidy=${argument#--tidy=} ;;
  --help | -h)
    echo "$usage"
    exit 0
    ;;
  *)
    echo "$usage" >&2
    exit 2
    ;;
  esac
done

passed=0
failed=0
skipped=0
failures=()

# One check: its command prints what is wrong and fails.
check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    finish "$name: passed"
  else
    failed=$((failed + 1))
    failures+=("$name")
    finish "$name: FAILED"
    return 1
  fi
}

# A test runner that writes JUnit XML: each of its tests counts. One that
# fails without a failed test (it died, it ran out of time) counts as one.
run_tests() { # NAME XML COMMAND...
  local name=$1 xml=$2 status=0 p f s
  shift 2
  rm -f "$xml"
  # Well above what any runner needs: a test that hangs must not hang this.
  timeout --foreground 2400 "$@" || status=$?
  [ $status -ne 124 ] || echo "$name did not end within 2400 s" >&2
  read -r p f s < <("$build/venv/bin/python" "$root/tools/count_tests.py" "$xml")
  if [ $status -ne 0 ] && [ "$f" -eq 0 ]; then
    echo "$name exited $status without a failed test" >&2
    f=1
  fi
  passed=$((passed + p))
  failed=$((failed + f))
  skipped=$((skipped + s))
  [ "$f" -eq 0 ] || failures+=("$name")
  finish "$name: $p passed, $f failed, $s skipped"
}

run_lit() { # NAME FOLDER
  run_tests "$1" "$2/lit.xml" "$llvm/bin/lit" -sv \
    --xunit-xml-output="$2/lit.xml" "$2/test"
}

summary() {
  [ "$skipped" -eq 0 ] || echo "skipped: $skipped tests"
  [ ${#failures[@]} -eq 0 ] || printf 'failed: %s\n' "${failures[@]}"
  echo "elapsed: $SECONDS s"
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] || exit 1
  exit 0
}

# The project's own files with one of the endings: git's view of the work tree,
# or in a copy without git every file outside the build folder.
sources() { # ENDING...
  local ending patterns=()
  for ending in "$@"; do patterns+=("*.$ending"); done
  if git -C "$root" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git -C "$root" ls-files --cached --others --exclude-standard -- "${patterns[@]}"
  else
    (
      cd "$root"
      for ending in "${patterns[@]}"; do
        find . -path ./.git -prune -o -path './build*' -prune -o \
          -path "$build" -prune -o -name "$ending" -type f -printf '%P\n'
      done
    )
  fi | while read -r file; do
    # A file removed but not yet committed is still listed by git. What others
    # wrote stays as they wrote it.
    case $file in third_party/*) continue ;; esac
    if [ -f "$root/$file" ]; then echo "$file"; fi
  done | LC_ALL=C sort -u
}

check_format() {
  local file wrong=()
  while read -r file; do
    diff -u --label "$file" --label "$file (formatted)" \
      "$root/$file" <("$llvm/bin/clang-format" "$root/$file") ||
      wrong+=("$file")
  done < <(sources cpp h)
  [ ${#wrong[@]} -eq 0 ] || {
    echo "to mend it: clang-format-22 -i ${wrong[*]}"
    return 1
  }
}

# No match of the pattern in the libraries: an option there would be a global
# that no pass option shows, and InitAll would link every dialect.
check_absent() { # PATTERN
  ! (cd "$root" && grep -rnE --include='*.cpp' --include='*.h' "$1" lib include)
}

# A long file is a hint, not a failure.
print_long_files() {
  local file lines
  while read -r file; do
    lines=$(wc -l <"$root/$file")
    [ "$lines" -le 800 ] || echo "    note: $file has $lines lines, over 800"
  done < <(sources cpp h td py sh)
}

check_tidy() {
  local file files=()
  git -C "$root" rev-parse --verify --quiet "$tidy^{commit}" >/dev/null || {
    echo "clang-tidy needs the git commit $tidy, which is not here"
    return 1
  }
  while read -r file; do
    [ ! -f "$root/$file" ] || files+=("$root/$file")
  done < <(cd "$root" && {
    git diff --name-only --diff-filter=d "$tidy" -- '*.cpp'
    git ls-files --others --exclude-standard -- '*.cpp'
  })
  [ ${#files[@]} -eq 0 ] || printf '%s\0' "${files[@]}" |
    xargs -0 -n 1 -P "$(nproc)" "$llvm/bin/clang-tidy" --quiet -p "$build"
}

needs=("${build_needs[@]}" "clang-format-22 $llvm/bin/clang-format" "gcc gcc")
step_total=11
if ! $quick; then
  needs+=("libclang-rt-22-dev $llvm/lib/clang/22/include/sanitizer/asan_interface.h")
fi
if [ -n "$tidy" ]; then
  needs+=("clang-tidy-22 $llvm/bin/clang-tidy")
  step_total=12
fi
open_build_folder
export DSA_BUILD_DIR=$build

begin "packages"
setup_packages "${needs[@]}"
finish

begin "python packages"
setup_python
finish

begin "formatting and source rules"
check "clang-format" check_format || true
check "no cl::opt in lib and include" check_absent 'cl::(opt|list|bits)\b' || true
check "no InitAll in lib and include" check_absent 'InitAll' || true
print_long_files

begin "build $build"
configure_and_compile() { configure "$1" "$2" && compile "$1"; }
check "build" configure_and_compile "$build" OFF || summary

begin "generated docs"
check "docs/generated" "$root/tools/generate-docs.sh" || true

begin "what ptxas makes of the GPU kernels"
if reason=$("$root/tools/get-ptxas.sh" 2>&1); then
  # The tests below take the same one.
  export CUDA_HOME=$build/cuda
  check "test/golden/gpu-resources.json" \
    "$build/venv/bin/python" "$root/tools/gpu-resources/table.py" --check || true
else
  skipped=$((skipped + 1))
  finish "skipped: ${reason##*$'\n'}"
fi

begin "lit"
run_lit "lit" "$build"

begin "pytest"
run_tests "pytest" "$build/pytest.xml" \
  "$build/venv/bin/python" -m pytest -q -p no:cacheprovider \
  -n "$(nproc)" --dist worksteal --junitxml="$build/pytest.xml" "$root/test/reference" \
  "$root/test/Tools" "$root/test/Runtime" "$root/test/Emulator" "$root/test/Integration"

begin "mutants of the tests' files"
run_mutants() { # KIND COUNT
  # Seeded: the same files give the same mutants.
  "$build/venv/bin/python" "$root/tools/fuzz/mutate.py" --kind "$1" -n "$2" \
    --build "$build" --keep "$build/fuzz-failures"
}
if $quick; then
  finish "left out by --quick"
else
  check "2000 mutants of text" run_mutants text 2000 || true
  check "1000 mutants of bytecode" run_mutants bytecode 1000 || true
fi

begin "GPU kernels without one of their barriers"
if $quick; then
  finish "left out by --quick"
else
  check "each barrier is needed" "$root/tools/mutation.sh" || true
fi

if [ -n "$tidy" ]; then
  begin "clang-tidy on what changed since $tidy"
  check "clang-tidy" check_tidy || true
fi

begin "sanitizers (address, undefined)"
if $quick; then
  finish "left out by --quick"
elif check "sanitizer build" configure_and_compile "$build/asan" ON; then
  # libMLIR is not instrumented. What crosses into it would be false alarms:
  # containers, and arenas whose memory our code poisons and libMLIR hands out.
  # What libMLIR never frees is not ours.
  ASAN_OPTIONS=detect_container_overflow=0:allow_user_poisoning=0:detect_leaks=0
  export ASAN_OPTIONS
  export UBSAN_OPTIONS=print_stacktrace=1
  run_lit "lit with sanitizers" "$build/asan"
fi

summary
