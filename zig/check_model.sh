#!/bin/sh
# Checks the model of the pipeline, pipeline.pml, with spin: each line of flags that its head lists.
# Needs spin and a C compiler.
set -eu
model="$(cd "$(dirname "$0")" && pwd)/pipeline.pml"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
grep -o '^ \*   -D.*' "$model" | cut -c 6- | while read -r flags; do
  # shellcheck disable=SC2086 # each flag is an argument
  spin -a $flags "$model" >spin.out
  cc -O2 -w -DSAFETY -o pan pan.c && ./pan -m20000 >safety.out
  cc -O2 -w -DNP -o pan pan.c && ./pan -m20000 -l >cycles.out
  for out in safety.out cycles.out; do
    if ! grep -q 'errors: 0' "$out" || grep -q 'max search depth too small' "$out"; then
      echo "the model fails: $flags"
      cat "$out"
      exit 1
    fi
  done
  echo "$flags: $(grep -o '[0-9e.+]* states, stored' safety.out | head -n 1)"
done
