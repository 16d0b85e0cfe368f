#!/usr/bin/env bash
# A real LiteLLM proxy in front of our own clean mock: what is wrong then is the gateway's doing, or the harness's.
set -euo pipefail

readonly LITELLM_VERSION=1.106.2
# Part of the install stamp: raise it when the steps of `install` change, so that old venvs are made anew.
readonly RECIPE=1

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
kind=litellm title="LiteLLM $LITELLM_VERSION" name=proofhouse-mock timeout=120 poll=0.5 health=/health/liveliness
# The proxy takes no key that does not begin so.
export PROOFHOUSE_REAL_KEY=${PROOFHOUSE_REAL_KEY:-sk-test}
# shellcheck source=real-server.sh
. "$here/real-server.sh"

usage() {
  cat <<EOF
usage: ${0##*/} COMMAND [OPTIONS]

LiteLLM's proxy $LITELLM_VERSION, bound to 127.0.0.1, in front of this repository's own conforming mock. Needs Python 3.10 or
later, curl, 500 MB of disk, 400 MB of memory, a package index for pip, and the program built (target/release or
target/debug).

commands:
  install         make the venv (done by start when missing)
  start           start mock and proxy, wait until they answer, and print the proxy's base URL
  stop            stop both
  status          say whether it runs; exit 3 when it does not
  url             print the base URL of the running proxy
  run -- CMD...   start it if it does not run, run CMD with PROOFHOUSE_REAL_URL, PROOFHOUSE_REAL_MODEL, and
                  PROOFHOUSE_REAL_KEY set, stop what was started here, and exit as CMD did

options:
  --name NAME     the model's name at the proxy (default: proofhouse-mock); proxies of different names run side by side
  --port N        listen here (default: a free port)
  --timeout SECS  how long start waits for the proxy (default: 120)

environment:
  PROOFHOUSE           the program that is the mock (default: target/release/proofhouse, else target/debug/proofhouse)
  PROOFHOUSE_LAB       where all is kept (default: \${XDG_CACHE_HOME:-~/.cache}/proofhouse-lab)
  PROOFHOUSE_REAL_KEY  the master key of the proxy, which begins with sk- (default: sk-test)
  PYTHON               the Python that makes the venv (default: python3)
EOF
}

installed() { [ "$(cat "$venv/.installed" 2>/dev/null)" = "litellm $LITELLM_VERSION recipe $RECIPE" ]; }

install() {
  if installed; then return; fi
  local python
  python=$(python_from 10 15)
  say "installing LiteLLM $LITELLM_VERSION into $venv"
  make_venv "$python"
  # uv, because pip's resolver takes many minutes over these.
  "$venv/bin/pip" install --quiet uv || die "cannot install uv" 'is a package index reachable? try: pip download uv'
  "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" "litellm[proxy]==$LITELLM_VERSION" ||
    die "cannot install litellm[proxy] $LITELLM_VERSION" 'is there room on the disk, and an index?'

  # Last, so that an interrupted install is not taken for a whole one.
  printf 'litellm %s recipe %s\n' "$LITELLM_VERSION" "$RECIPE" >"$venv/.installed"
}

check_model() {
  [ -z "$model" ] || die 'the proxy serves our mock and no other model' 'leave --model away'
  case $key in sk-*) ;; *) die 'the master key of the proxy begins with sk-' 'set PROOFHOUSE_REAL_KEY' ;; esac
}

served() {
  local built=$here/../target
  if [ -n "${PROOFHOUSE:-}" ]; then absolute "$PROOFHOUSE"
  elif [ -x "$built/release/proofhouse" ]; then absolute "$built/release/proofhouse"
  elif [ -x "$built/debug/proofhouse" ]; then absolute "$built/debug/proofhouse"
  else die 'the mock is not built' 'cargo build --release'
  fi
}

launch() {
  local upstream
  upstream=$(free_port)
  # Keys go by the environment, because arguments and files show.
  export LITELLM_MASTER_KEY=$key UPSTREAM_KEY=sk-upstream
  # In the process group of the proxy, so that both end together.
  "$1" mock --port "$upstream" --auth-env UPSTREAM_KEY &
  cat >"$run/config.yaml" <<EOF
model_list:
  - model_name: $name
    litellm_params:
      model: openai/proofhouse-mock
      api_base: http://127.0.0.1:$upstream/v1
      api_key: os.environ/UPSTREAM_KEY
    # It is in no price list, and what that does not name the proxy refuses.
    model_info:
      supports_reasoning: true
litellm_settings:
  num_retries: 0
  telemetry: false
router_settings:
  num_retries: 0
  # What fails is to be seen failing, and not to be kept from the next check.
  disable_cooldowns: true
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
EOF
  # Offline: the price list comes with the package.
  export LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_TELEMETRY=False DO_NOT_TRACK=1 NO_PROXY='*' no_proxy='*'
  export NO_DOCS=True DISABLE_ADMIN_UI=True
  exec "$venv/bin/litellm" --config "$run/config.yaml" --host 127.0.0.1 --port "$port" --telemetry False
}

warm_up() {
  printf 'Authorization: Bearer %s\n' "$key" |
    fetch --max-time 60 "$1/chat/completions" -H @- -H 'Content-Type: application/json' \
      -d "{\"model\":\"$name\",\"max_tokens\":2,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}" ||
    say "warning: a warm-up request failed (see $run/log)"
}

main "$@"
