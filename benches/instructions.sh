#!/bin/sh
# How many instructions does one command of each kind take? Callgrind counts them: the figure repeats exactly, whatever
# else the machine does, so a change of the code shows where a clock cannot tell it from noise.
set -eu
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "valgrind is not installed: apt-get install valgrind" >&2; exit 1; }
commands=${1:-2000}
cargo build --release -p benches --bin apply --quiet
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

count() { # kind legs -> instructions of the timed section
    valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*timed_section*' \
        --callgrind-out-file="$out/$1-$2" target/release/apply --once --only "$1" --legs "$2" \
        --commands "$commands" --resting 6000 --fixed-qty 10 >/dev/null 2>"$out/log"
    awk '/^(summary|totals):/ { print $2; exit }' "$out/$1-$2"
}

printf '%-8s %12s %12s\n' 'command' '3 legs' '20 legs'
for kind in rest cancel cross amend mark; do
    three=$(count "$kind" 3)
    twenty=$(count "$kind" 20)
    printf '%-8s %12s %12s\n' "$kind" $((three / commands)) $((twenty / commands))
done
echo "instructions per command, $commands commands of one kind after set-up: 1,000 accounts, 6,000 resting orders"
