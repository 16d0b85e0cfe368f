#!/usr/bin/env bash
# Takes the newest releases of the clients that the lenses speak for, and rewrites their pins.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# pins NAME PACKAGE…: what a fresh environment with the newest of these holds. uv, because pip's
# resolver takes half an hour over these.
pins() {
    local name=$1
    shift
    python3 -m venv --without-pip "$scratch/$name"
    "$scratch/uv/bin/uv" pip install --quiet --python "$scratch/$name/bin/python" "$@"
    "$scratch/uv/bin/uv" pip freeze --quiet --python "$scratch/$name/bin/python" \
        > "tests/clients/python/requirements-$name.txt"
}

python3 -m venv "$scratch/uv"
"$scratch/uv/bin/python" -m pip install --quiet --disable-pip-version-check uv
pins openai openai
pins upon openai langchain-openai litellm 'strands-agents[openai]'

cp tests/clients/node/package.json "$scratch/"
(
    cd "$scratch"
    for package in $(node -p 'Object.keys(require("./package.json").dependencies).join(" ")'); do
        npm install --silent --no-audit --no-fund --ignore-scripts --save-exact "$package@latest"
    done
    # The lock names no registry: whoever installs uses their own.
    node -e 'const fs = require("fs"); const lock = JSON.parse(fs.readFileSync("package-lock.json"));
        for (const entry of Object.values(lock.packages)) delete entry.resolved;
        fs.writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n");'
)
cp "$scratch/package.json" "$scratch/package-lock.json" tests/clients/node/
git diff --stat -- tests/clients
