#!/bin/sh
# Kills dpc at each call that changes a file, and refuses each such call, then asks the same command to go on.
#
# torture.sh DPC SHIM [STRIDE [KILLS [RUNNERS]]]
#   DPC       the program
#   SHIM      libFaultInjection.so, made of Tests/FaultInjection
#   STRIDE    try every STRIDE-th call only (default 1: all of them)
#   KILLS     so many kills at random moments (default 1000)
#   RUNNERS   so many runs at once on one cache, a quarter of them killed (default 16)
# TORTURE_JOBS: how many trials at once (default 2). Ends with 0 when nothing was lost, else 1.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
dpc=$(realpath "$1")
shim=$(realpath "$2")
stride=${3:-1}
kills=${4:-1000}
runners=${5:-16}
jobs=${TORTURE_JOBS:-2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/pipeline.yaml" <<'YAML'
schema: dpc-pipeline/1
name: torture
inputs: { acquisition: scan.h5 }
stages:
  frames: { uses: read-acquisition, with: { file: $acquisition } }
  clean:  { uses: normalize-segments, from: frames }
  tilt:   { uses: deflection, from: clean }
  turned: { uses: rotate-to-scan, from: tilt, with: { rotation_deg: from-file } }
  field:  { uses: electric-field, from: turned, with: { thickness_nm: 50 } }
  map:    { uses: vector-map, from: field, with: { format: [svg] } }
results: [field, tilt]
YAML
cp "$root/ExampleData/case-inclined-45.h5" "$work/scan.h5"

# run FOLDER ARGUMENT...: the run under test, in a folder with its own output and cache.
run() {
  (cd "$1" && shift && "$dpc" run "$work/pipeline.yaml" --output out --cache "${cache:-cache}" \
    --progress none "$@")
}
# same FOLDER REFERENCE: result and figure are those of an undisturbed run.
same() {
  cmp -s "$1/out/result.h5" "$2/out/result.h5" \
    && cmp -s "$1/out/figures/map.svg" "$2/out/figures/map.svg"
}
bad() { echo "BAD: $*" | tee -a "$work/bad"; }

mkdir "$work/new" "$work/old"
run "$work/old" --set field.thickness_nm=40 > "$work/log" 2>&1
run "$work/new" > "$work/log" 2>&1

# begin FOLDER: what every trial begins with, the result of another thickness and an empty cache.
begin() { rm -rf "$1" && mkdir "$1" && cp -a "$work/old/out" "$1/out"; }

# The calls of an undisturbed run; how many there are differs a little from run to run.
begin "$work/count"
(export LD_PRELOAD="$shim" FAULT_LOG="$work/calls"; run "$work/count" > "$work/log" 2>&1)
calls=$(wc -l < "$work/calls")
echo "$calls calls that change files in a run of 6 stages"

# finish FOLDER LABEL: the same command again, and everything is as if nothing had happened.
finish() {
  run "$1" > "$1/again" 2>&1 || bad "$2: the next run ends with $?: $(tail -2 "$1/again")"
  same "$1" "$work/new" || bad "$2: another result"
  "$dpc" cache verify --cache "$1/${cache:-cache}" > "$1/verified" 2>&1 \
    || bad "$2: $(head -1 "$1/verified")"
  left=$(find "$1/out" -name '.?*' -o -name 'unfinished-*' | head -1)
  [ -z "$left" ] || bad "$2: left behind: $left"
}
# whole FOLDER LABEL: whatever happened, the result is the old one or the new one.
whole() {
  cmp -s "$1/out/result.h5" "$work/old/out/result.h5" \
    || cmp -s "$1/out/result.h5" "$work/new/out/result.h5" || bad "$2: half a result"
}

# killed FOLDER ACTION N: dies at the call N; every third trial dies in the recovery too.
killed() {
  begin "$1"
  (export LD_PRELOAD="$shim" FAULT_AT="$3" FAULT_ACTION="$2"; run "$1" > "$1/log" 2>&1) \
    || true
  whole "$1" "$2 at $3"
  if [ $(($3 % 3)) = 0 ]; then
    (export LD_PRELOAD="$shim" FAULT_AT=$(($3 * 7 % calls + 1)) FAULT_ACTION="$2"
      run "$1" > "$1/log" 2>&1) || true
    whole "$1" "$2 at $3 and in recovery"
  fi
  finish "$1" "$2 at $3"
}
# refused FOLDER ERROR N: the call N fails; ENOSPC goes on failing.
refused() {
  begin "$1"
  status=0
  (export LD_PRELOAD="$shim" FAULT_AT="$3" FAULT_ACTION="$2"
    [ "$2" = EIO ] || export FAULT_LASTING=1
    run "$1" > "$1/log" 2>&1) || status=$?
  whole "$1" "$2 at $3"
  case $status in
  0) same "$1" "$work/new" || bad "$2 at $3: ends with 0 and another result" ;;
  5) grep -q '^error: .*\(cache\|out\)[/:]' "$1/log" || bad "$2 at $3: no path: $(cat "$1/log")" ;;
  *) bad "$2 at $3: ends with $status: $(tail -2 "$1/log")" ;;
  esac
  echo "$status" >> "$work/status-$2"
  finish "$1" "$2 at $3"
}

# each TRIAL ACTION: a trial for every call, spread over the jobs.
each() {
  job=0
  while [ "$job" -lt "$jobs" ]; do
    (n=$((job * stride + 1))
      while [ "$n" -le "$((calls + 5))" ]; do
        "$1" "$work/trial-$job" "$2" "$n"
        n=$((n + jobs * stride))
      done) &
    job=$((job + 1))
  done
  wait
  echo "$2: $(((calls + 5 + stride - 1) / stride)) trials, $(found) bad so far"
}
found() { if [ -f "$work/bad" ]; then wc -l < "$work/bad"; else echo 0; fi; }

for action in kill kill-after tear; do each killed $action; done
for error in EIO ENOSPC; do
  each refused $error
  echo "$error: exit codes $(sort "$work/status-$error" | uniq -c | tr -s ' \n' ' ')"
done

# Random moments: a kill from outside, at up to the time that a run takes.
begin "$work/timed"
start=$(date +%s%N)
run "$work/timed" > "$work/log" 2>&1
span=$(($(date +%s%N) - start))
# moment SEED: seconds into a run, from a generator of its own, so that a trial can be repeated.
moment() { awk -v s="$1" -v t="$span" 'BEGIN { srand(s); printf "%.4f", rand() * t * 1.1e-9 }'; }
# mortal FOLDER CACHE SEED: a run that dies at a random moment, and is dead when this returns.
mortal() {
  "$dpc" run "$work/pipeline.yaml" --output "$1/out" --cache "$2" --progress none \
    > "$1/log" 2>&1 &
  victim=$!
  sleep "$(moment "$3")"
  kill -9 "$victim" 2> "$1/kill" || true
  wait "$victim" 2> "$1/kill" || true
}
job=0
while [ "$job" -lt "$jobs" ]; do
  (n=$job
    folder="$work/random-$job"
    while [ "$n" -lt "$kills" ]; do
      begin "$folder"
      mortal "$folder" "$folder/cache" "$n"
      whole "$folder" "random kill $n"
      finish "$folder" "random kill $n"
      n=$((n + jobs))
    done) &
  job=$((job + 1))
done
wait
echo "random kills: $kills trials, $(found) bad so far"

# Many at once on one cache; each fourth is killed.
cache="$work/shared"
export cache
n=0
while [ "$n" -lt "$runners" ]; do
  begin "$work/runner-$n"
  if [ $((n % 4)) = 3 ]; then
    mortal "$work/runner-$n" "$cache" "$n" &
  else
    (run "$work/runner-$n" > "$work/runner-$n/log" 2>&1 \
      || bad "runner $n ends with $?: $(tail -2 "$work/runner-$n/log")"
      same "$work/runner-$n" "$work/new" || bad "runner $n: another result") &
  fi
  n=$((n + 1))
done
wait
"$dpc" cache verify --cache "$cache" > "$work/log" 2>&1 || bad "shared cache: $(head -1 "$work/log")"
echo "runners at once: $runners, $(found) bad so far"

[ "$(found)" = 0 ] || exit 1
echo "nothing was lost"
