#!/usr/bin/env bash
# Every lens against the real client it speaks for: installs the pinned clients under target/clients
# (again only when the pins changed), then plays every fault of the mock to each.
#   CLIENT=openai-python,litellm   only these
#   FAULT=sse-no-done              only under this fault
#   BLESS=1                        keep what the clients said under fixtures/lens
set -euo pipefail
cd "$(dirname "$0")/.."
home=target/clients
mkdir -p "$home"

# python NAME: a virtual environment with exactly what requirements-NAME.txt pins.
python() {
    local pins=tests/clients/python/requirements-$1.txt at=$home/python-$1
    if cmp -s "$pins" "$at/pins.txt"; then return; fi
    printf 'installing %s\n' "$pins"
    rm -rf "$at"
    python3 -m venv "$at"
    # Every package is pinned, those that others need included: there is nothing to resolve.
    "$at/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: -r "$pins"
    cp "$pins" "$at/pins.txt"
}

python openai
python upon
if [ -f tests/clients/node/package-lock.json ]; then
    if ! cat tests/clients/node/package*.json | cmp -s - "$home/node/pins"; then
        printf 'installing tests/clients/node/package-lock.json\n'
        rm -rf "$home/node"
        mkdir -p "$home/node"
        cp tests/clients/node/package*.json "$home/node/"
        (cd "$home/node" && npm ci --silent --no-audit --no-fund --ignore-scripts)
        cat tests/clients/node/package*.json > "$home/node/pins"
    fi
    cp tests/clients/node/*.mjs "$home/node/"
fi
cargo test --test clients -- --ignored --nocapture
