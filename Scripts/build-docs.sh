#!/bin/sh
# Builds the documentation of the modules worth reading into .build/docs; DocC's warnings are errors.
#
# The DocC plugin is a dependency only while DPC_DOCS is set. It is fetched once; afterwards this
# works without a network, and an ordinary build never needs the plugin.
set -eu
cd "$(dirname "$0")/.."
export DPC_DOCS=1
modules="STEMCore DPCReconstruction DPCSimulation STEMData FieldRendering Pipeline PipelineManifest
  DPCStages"
# A build folder and a list of versions of its own: the plugin must not enter an ordinary build's.
scratch=.build/docs-scratch
output=.build/docs
rm -rf "$output"
mkdir -p "$scratch" "$output"
[ ! -f Package.resolved ] || cp Package.resolved "$scratch/ordinary.resolved"
[ ! -f "$scratch/docs.resolved" ] || cp "$scratch/docs.resolved" Package.resolved
restore() {
  [ ! -f Package.resolved ] || mv Package.resolved "$scratch/docs.resolved"
  [ ! -f "$scratch/ordinary.resolved" ] || mv "$scratch/ordinary.resolved" Package.resolved
}
trap restore EXIT
trap 'exit 130' HUP INT TERM
log=$scratch/log
status=0
for module in $modules; do
  # The plugin may write to the output folder and nowhere else.
  if swift package --scratch-path "$scratch" --allow-writing-to-directory "$output" \
    generate-documentation --target "$module" --output-path "$output/$module" \
    --warnings-as-errors --transform-for-static-hosting --hosting-base-path "$module" \
    > "$log" 2>&1; then
    echo "$output/$module"
  else
    sed -n '/^Building documentation/,$p' "$log" | grep . >&2 || cat "$log" >&2
    echo "error: the documentation of $module is not in order" >&2
    status=1
  fi
done
exit $status
