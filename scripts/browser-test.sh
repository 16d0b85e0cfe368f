#!/usr/bin/env bash
# Opens the HTML reports in headless Chromium and tries it as a reader would. Not part of
# `cargo test`, which needs nothing but Rust. Pictures are left in target/browser/.
#
#   scripts/browser-test.sh            find Chromium, or install it where apt-get and root allow
#   CHROMIUM=/path scripts/browser-test.sh
set -euo pipefail
cd "$(dirname "$0")/.."

find_chromium() {
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
        if [ -n "$name" ] && command -v "$name"; then return; fi
    done
    return 1
}

if ! chromium=$(find_chromium); then
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
        echo "browser-test: no Chromium found; install it, or name it in CHROMIUM" >&2
        exit 2
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
    chromium=$(find_chromium)
fi

mkdir -p target/browser
cargo test --quiet --test reports -- --ignored pages_for_the_browser >target/browser/log.txt 2>&1 ||
    { cat target/browser/log.txt >&2; exit 1; }
failed=0
for page in report_page load_page; do
    python3 "tests/browser/$page.py" "$chromium" target/browser || failed=1
done
exit $failed
