#!/usr/bin/env bash
# Figures that no bench target gives: cold start, binary sizes and, with --build, clean build times.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --quiet
binary=target/release/proofhouse
printf 'binary, release: %s bytes\n' "$(stat -c %s "$binary")"

# The shell's own start is measured beside it, so that the figure can be read as a difference.
start() {
    local began ended
    began=$(date +%s%N)
    for _ in $(seq 200); do "$@" >/dev/null; done
    ended=$(date +%s%N)
    printf '%s: %s µs a start (mean of 200)\n' "$*" "$(((ended - began) / 200000))"
}
start /bin/true
start "$binary" --version

if [ "${1-}" = --build ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    for profile in dev release; do
        began=$(date +%s)
        CARGO_TARGET_DIR="$folder/$profile" cargo build --quiet --profile "$profile"
        printf 'clean build, %s profile: %s s on %s processors\n' "$profile" "$(($(date +%s) - began))" "$(nproc)"
    done
fi
