#!/usr/bin/env bash
# Runs the suites against a real server that is started on this machine.
#
#   scripts/real-check.sh vllm|llamacpp|litellm [ARGS OF proofhouse check…]
#
# Passes when nothing fails, required or not, that the server's profile does not list as a known deviation, and when every
# deviation that it lists is still there.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    echo "usage: scripts/real-check.sh vllm|llamacpp|litellm [ARGS OF proofhouse check...]" >&2
    exit 2
}

server=${1-}
[ -n "$server" ] || usage
shift
case $server in
    vllm | llamacpp | litellm) ;;
    *) usage ;;
esac

cargo build --release --quiet
mkdir -p reports
# `run` starts the server if it is not up, and hands over its address, model and key.
exec "scripts/real-$server.sh" run -- bash -c '
    exec target/release/proofhouse check \
        --url "$PROOFHOUSE_REAL_URL" --model "$PROOFHOUSE_REAL_MODEL" --auth-env PROOFHOUSE_REAL_KEY \
        --profile "$0" --strict --strict-known --no-record --report "html=reports/real-$0.html" --report "json=reports/real-$0.json" "$@"
' "$server" "$@"
