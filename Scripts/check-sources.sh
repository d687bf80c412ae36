#!/bin/sh
# Checks what neither the compiler nor the formatter does: the size of files, and shell scripts' syntax.
set -eu
cd "$(dirname "$0")/.."
status=0
for file in $(git ls-files 'Sources/*.swift' 'Tests/*.swift'); do
  [ -f "$file" ] || continue
  lines=$(wc -l < "$file")
  if [ "$lines" -gt 600 ]; then
    echo "error: $file has $lines lines: a reader would find two things in there" >&2
    status=1
  elif [ "$lines" -gt 400 ]; then
    echo "warning: $file has $lines lines" >&2
  fi
done
for script in $(git ls-files '*.sh') .ci/run; do
  [ -f "$script" ] || continue
  sh -n "$script" || status=1
done
exit $status
