#!/bin/sh
# Runs both shipped pipelines on the example data; a second time everything comes from the cache.
set -eu
cd "$(dirname "$0")/.."
dpc=.build/release/dpc
for view in top-view cross-section; do
  echo "== $view"
  "$dpc" run "Pipelines/$view.yaml" --output "build/demo/$view" --cache build/demo/cache
  echo
done
echo "The figures lie under build/demo/top-view/figures and build/demo/cross-section/figures."
