#!/usr/bin/env bash
# llama.cpp's real HTTP server, to check the harness against something nobody here wrote: cheap enough for every CI run.
set -euo pipefail

readonly XLLAMACPP_VERSION=2026.10.11549
# Part of the install stamp: raise it when the steps of `install` change, so that old venvs are made anew.
readonly RECIPE=1

usage() {
  cat <<EOF
usage: ${0##*/} COMMAND [OPTIONS]

llama.cpp's HTTP server (xllamacpp $XLLAMACPP_VERSION) on the CPU, bound to 127.0.0.1, serving the repository's small
parrot model. Needs Python 3.10 or later, curl, 130 MB of disk, 50 MB of memory, and a package index for pip.

commands:
  install         make the venv (done by start when missing)
  start           start the server, wait until it answers, and print its base URL
  stop            stop it
  status          say whether it runs; exit 3 when it does not
  url             print the base URL of the running server
  run -- CMD...   start it if it does not run, run CMD with PROOFHOUSE_REAL_URL, PROOFHOUSE_REAL_MODEL, and
                  PROOFHOUSE_REAL_KEY set, stop what was started here, and exit as CMD did

options:
  --model FILE    serve this GGUF file instead (default: fixtures/models/parrot.gguf)
  --name NAME     the served model name (default: parrot); servers of different names run side by side
  --port N        listen here (default: a free port)
  --timeout SECS  how long start waits for the server (default: 60)

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

model='' name=parrot port='' timeout=60
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
venv=$lab/llamacpp
run=$lab/run/llamacpp-$name
key=${PROOFHOUSE_REAL_KEY:-test}
parrot=$here/../fixtures/models/parrot.gguf

# --- install -----------------------------------------------------------------------------------------------------

installed() { [ "$(cat "$venv/.installed" 2>/dev/null)" = "xllamacpp $XLLAMACPP_VERSION recipe $RECIPE" ]; }

install() {
  if installed; then return; fi
  local python=${PYTHON:-python3}
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
    die "$python is not a Python 3.10 or later" 'name one by the variable PYTHON'

  say "installing xllamacpp $XLLAMACPP_VERSION into $venv"
  rm -rf -- "$venv"
  mkdir -p -- "$lab"
  "$python" -m venv "$venv" || die 'cannot make a venv' 'on Debian: apt-get install python3-venv'
  # Wheels only: the source would need a compiler and an hour.
  "$venv/bin/pip" install --quiet --only-binary :all: "xllamacpp==$XLLAMACPP_VERSION" ||
    die "cannot install xllamacpp $XLLAMACPP_VERSION" 'has the package index a wheel for this system?'

  # Last, so that an interrupted install is not taken for a whole one.
  printf 'xllamacpp %s recipe %s\n' "$XLLAMACPP_VERSION" "$RECIPE" >"$venv/.installed"
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

# By its magic: the server's own message for another file does not say so.
is_gguf() { [ -f "$1" ] && [ "$(head -c 4 -- "$1")" = GGUF ]; }

start() {
  [ -z "$model" ] || is_gguf "$model" || die "$model is no GGUF file" 'give one with --model'
  local tool
  for tool in curl ps; do
    command -v "$tool" >/dev/null || die "$tool is missing" "install it; on Debian: apt-get install curl procps"
  done
  if running; then
    join
    return
  fi
  install

  local served url pid
  served=$(absolute "${model:-$parrot}")
  is_gguf "$served" || die "$served is no GGUF file" 'the checkout lacks it; give another with --model'
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

  say "starting llama.cpp's server ($name, port $port; log: $run/log)"
  # Job control gives the server a process group of its own: Ctrl-C here does not reach it.
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
}

# launch MODEL: becomes the server.
launch() {
  # It outlives the terminal that it was started from.
  trap '' HUP
  # By the environment, because arguments show in ps.
  export PROOFHOUSE_REAL_KEY=$key
  exec "$venv/bin/python" "$here/llamacpp_server.py" --model "$1" --port "$port" --alias "$name"
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

absolute() { printf '%s/%s\n' "$(cd -- "$(dirname -- "$1")" && pwd -P)" "$(basename -- "$1")"; }

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
    sleep 0.2
  done
}

give_up() {
  say "--- the end of $run/log"
  tail -n 25 "$run/log" >&2 || true
  say '---'
  die "$@"
}

# Ends the server, and forgets it; the log stays.
end_server() {
  local pid tries=0
  if running; then
    pid=$(server_pid)
    kill -TERM -- "-$pid" 2>/dev/null || true
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
    say "stopped llama.cpp's server ($name)"
  else
    end_server
    say "llama.cpp's server ($name) does not run"
  fi
}

status() {
  if running; then
    local state=starting
    if answers "$(cat "$run/url")"; then state=up; fi
    printf "llama.cpp's server (%s) is %s: %s, model %s from %s, pid %s, log %s\n" \
      "xllamacpp $XLLAMACPP_VERSION" "$state" "$(cat "$run/url")" "$name" "$(cat "$run/model")" \
      "$(server_pid)" "$run/log"
  else
    printf "llama.cpp's server (%s) does not run; %s\n" \
      "$name" "$(if installed; then echo "installed in $venv"; else echo 'not installed'; fi)"
    exit 3
  fi
}

url() {
  running || die "llama.cpp's server ($name) does not run" "start it: ${0##*/} start"
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
