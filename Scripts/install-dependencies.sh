#!/bin/sh
# Installs the C libraries that are missing, from Debian's packages, and asks for Swift if there is none.
set -eu
missing=
for package in pkg-config libfftw3-dev libhdf5-dev zlib1g-dev libcairo2-dev libpng-dev libssl-dev \
    fonts-dejavu-core python3-venv; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
  as_root=
  [ "$(id -u)" = 0 ] || as_root=sudo
  echo "installing:$missing" >&2
  for attempt in 1 2 3 4 5; do
    $as_root apt-get update -qq && break
    [ "$attempt" = 5 ] || sleep 5
  done
  # The list is meant to be split into words.
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends $missing >&2
fi
command -v swift >/dev/null || {
  echo "Swift 6.2 or later is needed: see https://www.swift.org/install" >&2
  exit 69
}
