#!/usr/bin/env bash
# What other load clients take for the same streams, and what they say of them: side by side with ours, against the
# truth server (`proofhouse truth`), which knows when it wrote what.
#
# Measured are those that are installed: `vllm` and `guidellm` from PATH or from the lab of real-vllm.sh. Processor time is
# that of a run less that of a run of two requests, so that nobody pays for importing Python packages; a first run of two
# fills the caches that both find.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly STREAMS=${1:-100} REQUESTS=${2:-500} TOKENS=100
readonly SHAPE='{"ttft_us":50000,"itl_us":10000,"tokens":'$TOKENS',"pack":1}'
readonly LAB=${PROOFHOUSE_LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/proofhouse-lab}
readonly BINARY=${PROOFHOUSE:-target/release/proofhouse}
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_NO_USAGE_STATS=1 OPENAI_API_KEY=test

if [ -z "${PROOFHOUSE-}" ]; then cargo build --release --quiet; fi
for tool in jq awk; do
  command -v "$tool" >/dev/null || { echo "error: $tool is missing" >&2; exit 1; }
done
work=$(mktemp -d)
coproc SERVER { exec "$BINARY" truth; }
trap 'kill "$SERVER_PID" 2>/dev/null || true; rm -rf "$work"' EXIT
read -r port <&"${SERVER[0]}"

# What the server did since it was last asked, as JSON.
truth() {
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  echo TRUTH >&3
  head -n 1 <&3
  exec 3>&-
}

# find NAME: the program, or nothing.
find() { command -v "$1" || { test -x "$LAB/vllm/bin/$1" && echo "$LAB/vllm/bin/$1"; } || true; }

# spent CMD...: runs it; its processor seconds are in $cpu.
spent() {
  local TIMEFORMAT='%U %S'
  { time "$@" >"$work/out" 2>"$work/err"; } 2>"$work/time" || { tail -n 5 "$work/err" >&2; return 1; }
  cpu=$(awk '{ print $1 + $2 }' "$work/time")
}

# row NAME CPU_S TRUTH_FILE TTFT_SAID GAP_P50_SAID GAP_P99_SAID
row() {
  jq -r --arg name "$1" --argjson cpu "$2" --arg ttft "$4" --arg p50 "$5" --arg p99 "$6" '
    [$name, .asked, .open_max, .tokens, ($cpu * 1e6 / .tokens * 100 | round / 100),
     "\(.ttft_us[0] / 1000) / \($ttft)", "\(.gap_us[0] / 1000) / \($p50)", "\(.gap_us[1] / 1000) / \($p99)"] | @tsv' "$3"
}

vllm_bench() { # REQUESTS STREAMS
  spent "$vllm" bench serve --backend openai-chat --base-url "http://127.0.0.1:$port" --endpoint /v1/chat/completions \
    --model truth --tokenizer "$LAB/models/tiny" --dataset-name random --random-input-len 16 --random-output-len "$TOKENS" \
    --num-prompts "$1" --max-concurrency "$2" --extra-body '{"truth":'"$SHAPE"'}' --percentile-metrics ttft,itl \
    --metric-percentiles 50,99 --save-result --result-dir "$work" --result-filename vllm.json
}

guidellm_run() { # REQUESTS STREAMS
  spent "$guidellm" benchmark run --target "http://127.0.0.1:$port" --model truth --processor "$LAB/models/tiny" \
    --data '{"prompt_tokens":16,"output_tokens":'"$TOKENS"'}' --profile concurrent --rate "$2" --max-requests "$1" \
    --backend-kwargs '{"extras":{"body":{"truth":'"$SHAPE"'}}}' --output-path "$work/guidellm.json"
}

{
  printf 'client\trequests\topen\ttokens\tµs/token\tttft p50 true/said\tgap p50\tgap p99\n'
  spent "$BINARY" calibrate --users "$STREAMS" --duration "$((REQUESTS / STREAMS))s" --tokens "$TOKENS" --format json || test -s "$work/out"
  jq '{asked: .summary.good, open_max: .server.open_max, tokens: .metrics.icl.n, ttft_us: [.metrics.ttft.truth * 1000, 0],
       gap_us: [.metrics.icl.truth * 1000, (.metrics.icl.p99 - .metrics.icl.error_p99) * 1000]}' "$work/out" >"$work/truth"
  row proofhouse "$(jq .client.cpu_s "$work/out")" "$work/truth" \
    "$(jq .metrics.ttft.p50 "$work/out")" "$(jq .metrics.icl.p50 "$work/out")" "$(jq .metrics.icl.p99 "$work/out")"
  vllm=$(find vllm)
  if [ -n "$vllm" ]; then
    vllm_bench 2 1
    vllm_bench 2 1 && before=$cpu
    truth >/dev/null
    vllm_bench "$REQUESTS" "$STREAMS"
    truth >"$work/truth"
    row "vllm bench" "$(awk -v a="$cpu" -v b="$before" 'BEGIN { print a - b }')" "$work/truth" \
      "$(jq .median_ttft_ms "$work/vllm.json")" "$(jq .median_itl_ms "$work/vllm.json")" "$(jq .p99_itl_ms "$work/vllm.json")"
  else
    echo 'vllm bench: not installed (scripts/real-vllm.sh install)' >&2
  fi
  guidellm=$(find guidellm)
  if [ -n "$guidellm" ]; then
    if guidellm_run 2 1 && guidellm_run 2 1 && before=$cpu && truth >/dev/null && guidellm_run "$REQUESTS" "$STREAMS"; then
      truth >"$work/truth"
      of='.benchmarks[0].metrics'
      row guidellm "$(awk -v a="$cpu" -v b="$before" 'BEGIN { print a - b }')" "$work/truth" \
        "$(jq "$of.time_to_first_token_ms.successful.median" "$work/guidellm.json")" \
        "$(jq "$of.inter_token_latency_ms.successful.median" "$work/guidellm.json")" \
        "$(jq "$of.inter_token_latency_ms.successful.percentiles.p99" "$work/guidellm.json")"
    fi
  else
    echo 'guidellm: not installed' >&2
  fi
} | column -t -s $'\t'
