#!/usr/bin/env bash
# The schema and the golden frames, checked by another implementation of SBE. Needs Python 3 and, the first time, the
# package index; where they are absent the check is skipped, and says so.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."
environment=target/schema-python
packages=('sbe==0.4.3' 'bitstring<4.2')

skip() { echo "skipped: $1"; exit 0; }

command -v python3 >/dev/null || skip 'no Python'
if ! "$environment/bin/python" -c 'import sbe' 2>/dev/null; then
  rm -rf "$environment"
  python3 -m venv "$environment" >/dev/null 2>&1 || skip 'no Python: its venv module does not work'
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --timeout 15 --retries 1 \
    "${packages[@]}" >/dev/null 2>&1 || { rm -rf "$environment"; skip 'no package index, or no sbe there'; }
fi
exec "$environment/bin/python" gateway/schema/check_with_sbe.py
