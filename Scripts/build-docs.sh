#!/bin/sh
# Builds the documentation of the modules worth reading into .build/docs; DocC's warnings are errors.
#
# The plugin is a dependency only while DPC_DOCS is set. It is fetched once; afterwards this works
# without a network, and an ordinary build never needs one.
set -eu
cd "$(dirname "$0")/.."
export DPC_DOCS=1
# A scratch folder of its own: the plugin must not enter an ordinary build's resolution.
scratch=.build/docs-scratch
resolved=$(mktemp)
[ ! -f Package.resolved ] || cp Package.resolved "$resolved"
trap 'if [ -s "$resolved" ]; then cp "$resolved" Package.resolved; fi; rm -f "$resolved"' EXIT
log=$(mktemp)
for module in STEMCore DPCReconstruction Pipeline PipelineManifest STEMData DPCSimulation \
    FieldRendering DPCStages; do
  echo "documentation of $module" >&2
  # The plugin runs in a sandbox of its own; --allow-writing-to-directory opens it to the output alone.
  swift package --scratch-path "$scratch" --allow-writing-to-directory .build/docs/"$module" \
    generate-documentation --target "$module" --output-path .build/docs/"$module" \
    --transform-for-static-hosting --hosting-base-path "$module" > "$log" 2>&1 || {
    cat "$log" >&2
    exit 1
  }
  if grep -E '(^|[^a-z])(warning|error):' "$log" >&2; then
    echo "error: the documentation of $module has warnings" >&2
    exit 1
  fi
done
rm -f "$log"
echo "The documentation lies under .build/docs."
