#!/bin/bash
# How many instructions does one operation of each kind take? Callgrind counts them: the figure repeats exactly, whatever
# else the machine does, so a change of the code shows where a clock cannot tell it from noise.
#
#   benches/instructions.sh            counts and prints them beside the baseline
#   benches/instructions.sh --check    the same; fails where one is more than 5 % above the baseline
#   benches/instructions.sh --record   writes the baseline, benches/instructions.txt
#
# Counts of another compiler or processor type are not comparable: they are printed, and nothing fails.
set -euo pipefail
cd "$(dirname "$0")/.."
baseline=benches/instructions.txt
tolerance=5
commands=2000 # of one venue kind
operations=20000 # of the book's mix
# Generic x86-64, whatever the machine or its owner's settings offer.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS

mode=${1:-show}
case "$mode" in
show | --check | --record) ;;
*) echo "usage: benches/instructions.sh [--check | --record]" >&2; exit 2 ;;
esac

if ! command -v valgrind >/dev/null; then
    echo 'valgrind is not installed; trying apt-get'
    { apt-get update -qq && apt-get install -y -qq valgrind; } >/dev/null 2>&1 || true
fi
if ! command -v valgrind >/dev/null; then
    echo '!! NOT CHECKED: instructions per operation. valgrind is not installed and apt-get could not install it.' >&2
    if [ "$mode" = --check ]; then exit 0; else exit 1; fi
fi

rustc=$(rustc --version)
target=$(rustc -vV | sed -n 's/^host: //p')
cargo build --release -p benches --bin book --bin apply --quiet
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Prints instructions per operation of the timed section; the program prints how many operations that was.
count() { # program arguments...
    local program=$1 done_
    shift
    done_=$(valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*timed_section*' \
        --callgrind-out-file="$out/callgrind" "target/release/$program" "$@" 2>"$out/log") || { cat "$out/log" >&2; return 1; }
    awk -v done_="$done_" '/^(summary|totals):/ { printf "%.0f\n", $2 / done_; exit }' "$out/callgrind"
}

{
    echo "$rustc"
    echo "target $target generic"
    for kind in gtc ioc cancel move; do
        echo "book/$kind $(count book --once "$kind" --flow 1k --ops "$operations")"
    done
    for kind in rest cancel cross amend mark; do
        for legs in 3 20; do
            echo "venue/$kind/$legs-legs $(count apply --once --only "$kind" --legs "$legs" \
                --commands "$commands" --resting 6000 --fixed-qty 10)"
        done
    done
} >"$out/counted"

if [ "$mode" = --record ]; then
    cp "$out/counted" "$baseline"
    cat "$baseline"
    exit
fi

comparable=yes
if [ "$(sed -n 1,2p "$baseline")" != "$(sed -n 1,2p "$out/counted")" ]; then
    comparable=no
    echo "the baseline was counted under $(sed -n 1,2p "$baseline" | paste -sd ';'), this is $(sed -n 1,2p "$out/counted" | paste -sd ';'):"
    echo 'not comparable, nothing fails; record it again with benches/instructions.sh --record at a commit you trust'
fi
awk -v tolerance="$tolerance" -v check="$mode $comparable" '
    FNR <= 2 { next }
    NR == FNR { was[$1] = $2; next }
    FNR == 3 { printf "%-22s %9s %9s %8s\n", "operation", "baseline", "now", "change" }
    {
        if (!($1 in was)) { printf "%-22s %9s %9d %8s\n", $1, "-", $2, "new"; missing++; next }
        change = 100 * ($2 - was[$1]) / was[$1]
        mark = change > tolerance ? "  above the bound" : change < -tolerance ? "  better: record it" : ""
        printf "%-22s %9d %9d %+7.1f%%%s\n", $1, was[$1], $2, change, mark
        above += change > tolerance
    }
    END {
        if (above + missing > 0 && check == "--check yes") {
            printf "%d of these cost more than %d %% above the baseline, %d have none\n", above, tolerance, missing
            exit 1
        }
    }' "$baseline" "$out/counted"
