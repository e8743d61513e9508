#!/usr/bin/env bash
# The matching, examined by somebody else's suite: tracebook-conformance plays the same orders into its reference engine
# and into `fulcrum tracebook`. All fixed cases of suite v2, and three profiles of generated traces. Needs Python 3.10 or
# later and, the first time, the package index; where they are absent the examination is skipped, and says so.
#
#   bash tools/tests/tracebook.sh [TRACES [EVENTS_PER_TRACE [SEED]]]      FULCRUM: the binary [target/release/fulcrum]
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."
traces=${1:-25} events=${2:-200} seed=${3:-42}
fulcrum=${FULCRUM:-target/release/fulcrum}
environment=target/tracebook-python
release=0.6.0
profiles=(fifo-limit-v1 fifo-partial-fill-v1 fifo-full-v1)

skip() { echo "skipped: $1"; exit 0; }

if [ ! -x "$fulcrum" ]; then
  echo "no binary at $fulcrum; build it with: cargo build --release" >&2
  exit 1
fi
command -v python3 >/dev/null || skip 'no Python'
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || skip 'Python is older than 3.10'
installed() { "$environment/bin/python" -c 'from tracebook import __version__ as v; print(v)' 2>/dev/null || true; }
if [ "$(installed)" != "$release" ]; then
  rm -rf "$environment"
  python3 -m venv "$environment" >/dev/null 2>&1 || skip 'no Python: its venv module does not work'
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --timeout 15 --retries 1 \
    "tracebook-conformance==$release" >/dev/null 2>&1 ||
    { rm -rf "$environment"; skip 'no package index, or no tracebook-conformance there'; }
fi
examine() { "$environment/bin/python" -m tracebook.conformance.cli "$@"; }

# What it leaves is kept in target/tracebook, so that a failure can be looked into.
work=target/tracebook
rm -rf "$work"
mkdir -p "$work"
candidate="'$(realpath "$fulcrum")' tracebook"

examine sample "$work/suite" --suite-version v2 >/dev/null
if ! examine suite "$work/suite" --output "$work/suite.json" --candidate-cmd "$candidate" >/dev/null; then
  echo "suite v2: FAIL, see $work/suite.json"; exit 1
fi
"$environment/bin/python" - "$work/suite.json" <<'PYTHON'
import json, sys
report = json.load(open(sys.argv[1]))
passed, total = report["conformant_cases"], report["case_count"]
print(f"suite v2: {passed} of {total} cases")
sys.exit(passed != total or total != 9)
PYTHON
for profile in "${profiles[@]}"; do
  examine qualify --profile "$profile" --seed "$seed" --traces "$traces" --events-per-trace "$events" --timeout 60 \
    --output-dir "$work/$profile" --candidate-cmd "$candidate" >"$work/$profile.txt" ||
    { cat "$work/$profile.txt"; echo "$profile: FAIL, see $work/$profile"; exit 1; }
  summary=$(grep -E '^(Fixed cases|Campaign traces|Semantic coverage|Qualification):' "$work/$profile.txt" | paste -sd ';')
  echo "$profile: ${summary//;/; }"
done
