#!/usr/bin/env bash
# Begins the corpus of every target with the golden frames, one file a frame.
set -euo pipefail
cd "$(dirname "$0")"
for target in client_frame venue_frame; do
  mkdir -p "corpus/$target"
  grep -v '^#' ../schema/frames.txt | while read -r template name which hex; do
    printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")" >"corpus/$target/$template-$name-$which"
  done
done
