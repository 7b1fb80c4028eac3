#!/usr/bin/env bash
# Fuzzes the core, built with its safety checks: the targets of fuzz.zig, guided by what code an
# input reaches.
#
#   zig/fuzz.sh                        a short look at every target
#   zig/fuzz.sh 1000000 [TARGET...]    so many inputs for each
#
# First the seeds and what was found are run, as they are; without libFuzzer (Debian:
# libfuzzer-14-dev) that is all. Inputs that reach something new are kept in build/fuzz/corpus and
# begun with the next time, one that fails comes to build/fuzz/failed/TARGET. To see why:
#
#   python -m ziglang run -lc -O safe zig/fuzz.zig -- build/fuzz/failed/TARGET/*
set -euo pipefail
cd "$(dirname "$0")/.."
zig="${ZIG:-python -m ziglang}"
inputs="${1:-}"
targets=("${@:2}")
if [ ${#targets[@]} = 0 ]; then
  for folder in zig/fuzz/*/; do targets+=("$(basename "$folder")"); done
fi
work=build/fuzz
mkdir -p "$work"

$zig run -lc -O safe zig/fuzz.zig -- zig/fuzz/*/*

library="$(ls /usr/lib/llvm-*/lib/libFuzzer.a 2>/dev/null | tail -n 1)" || true
if [ -z "$library" ]; then
  echo "no libFuzzer: only the seeds were run"
  exit 0
fi
$zig build-obj -ffuzz -O safe -lc -fcompiler-rt zig/fuzz.zig -femit-bin="$work/fuzz.o"
c++ "$work/fuzz.o" "$library" -lpthread -o "$work/fuzz"

if [ -n "$inputs" ]; then limits=(-runs="$inputs"); else limits=(-runs=10000 -max_total_time=5 -seed=1); fi
total=0
for target in "${targets[@]}"; do
  # The program is named for its target.
  ln -f "$work/fuzz" "$work/$target"
  mkdir -p "$work/corpus/$target" "$work/failed/$target"
  dictionary="zig/fuzz/$target.dict"
  [ -f "$dictionary" ] || dictionary=zig/fuzz/marc.dict
  if ! "$work/$target" "${limits[@]}" -max_len=1000 -timeout=10 -print_final_stats=1 \
    -dict="$dictionary" -artifact_prefix="$work/failed/$target/" \
    "$work/corpus/$target" "zig/fuzz/$target" >"$work/$target.log" 2>&1; then
    grep -v '^#' "$work/$target.log" | tail -n 40
    exit 1
  fi
  count="$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$target.log")"
  echo "$target: $count inputs"
  total=$((total + count))
done
echo "$total inputs"
