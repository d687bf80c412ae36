#!/bin/sh
# Makes .build/python: the Python readers against which the tests hold result.h5 and the schema.
# Does nothing where the environment is there already with these versions. Needs python3-venv.
set -eu

packages="PyYAML==6.0.2 h5py==3.16.0 jsonschema==4.25.1 nexusformat==2.1.0 roc-validator==0.13.0 silx==3.1.3"
# punx asks for Qt, of which it uses a class for its settings: Python/nexus.py has a stand-in for that.
bare_packages="punx==0.3.5 pyRestTable==2020.0.11"

cd "$(dirname "$0")/.."
environment=.build/python
stamp="$environment/installed"

if [ -x "$environment/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$packages $bare_packages" ]; then
  exit 0
fi
if ! python3 -c 'import ensurepip' 2>/dev/null; then
  echo "prepare-python: python3 has no venv; on Debian: apt-get install python3-venv" >&2
  exit 1
fi
echo "prepare-python: $packages $bare_packages into $environment"
rm -rf "$environment"
python3 -m venv "$environment"
# The lists have to be split into words here.
# shellcheck disable=SC2086
"$environment/bin/pip" install --quiet --disable-pip-version-check $packages
# shellcheck disable=SC2086
"$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps $bare_packages
echo "$packages $bare_packages" >"$stamp"
