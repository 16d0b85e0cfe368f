# What the real servers have in common: arguments, start and stop, and waiting. Sourced by scripts/real-*.sh, which say
# what is theirs:
#
#   kind            a word for folders: vllm
#   title           for people: vLLM 0.32.0
#   name, timeout   defaults of --name and --timeout
#   poll            seconds between two looks at whether it answers
#   health          a path that answers without a key once the server is up, below its root
#   usage           prints the help
#   check_model     ends the script if --model names nothing that can be served (empty: the default)
#   installed       whether the right version is
#   install         makes it so
#   served          prints the absolute path of what is served
#   launch SERVED   becomes the server, at 127.0.0.1:$port, under the name $name, asking for the key $key
#   warm_up URL     what goes before the first request

say() { printf '%s\n' "$*" >&2; }

# die MESSAGE [WAY_OUT]
die() {
  say "error: $1"
  if [ $# -gt 1 ]; then say "  ($2)"; fi
  exit 1
}

lab=${PROOFHOUSE_LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/proofhouse-lab}
venv=$lab/$kind
key=${PROOFHOUSE_REAL_KEY:-test}
model='' port=''

# --- arguments ---------------------------------------------------------------------------------------------------

wrong() {
  say "error: $1"
  if [ $# -gt 1 ]; then "$2" >&2; fi
  exit 2
}

# Whole numbers, or nothing.
numbers() {
  local number
  for number; do
    case $number in *[!0-9]*) return 1 ;; esac
  done
}

# read_arguments "$@": sets $command and the options; the words of CMD go to the array $words.
read_arguments() {
  command=${1:-}
  case $command in
    install | start | stop | status | url | run) shift ;;
    -h | --help | help) usage; exit 0 ;;
    '') usage >&2; exit 2 ;;
    *) wrong "unknown command: $command" usage ;;
  esac
  while [ $# -gt 0 ]; do
    case $1 in
      --model | --name | --port | --timeout)
        [ $# -ge 2 ] || wrong "$1 needs a value"
        printf -v "${1#--}" '%s' "$2"
        shift 2
        ;;
      --) shift; break ;;
      -h | --help) usage; exit 0 ;;
      *) wrong "unknown argument: $1" usage ;;
    esac
  done
  case $name in
    '' | *[!A-Za-z0-9._-]*) wrong '--name may hold letters, digits, dot, dash, and underscore only' ;;
  esac
  [ -n "$timeout" ] && numbers "$port" "$timeout" || wrong '--port and --timeout take whole numbers'
  if [ "$command" = run ]; then
    [ $# -gt 0 ] || wrong "nothing to run: ${0##*/} run [OPTIONS] -- CMD..."
  elif [ $# -gt 0 ]; then
    wrong "only run takes a command: ${0##*/} run [OPTIONS] -- CMD..."
  fi
  words=("$@")
  run=$lab/run/$kind-$name
}

# python_from LOW HIGH: the Python that makes the venv, from version 3.LOW to below 3.HIGH.
python_from() {
  local python=${PYTHON:-python3}
  "$python" -c "import sys; sys.exit(not (3, $1) <= sys.version_info < (3, $2))" 2>/dev/null ||
    die "$python is not a Python from 3.$1 to 3.$(($2 - 1))" 'name one by the variable PYTHON'
  printf '%s\n' "$python"
}

# make_venv PYTHON: a new one in place of the old.
make_venv() {
  rm -rf -- "$venv"
  mkdir -p -- "$lab"
  "$1" -m venv "$venv" || die 'cannot make a venv' 'on Debian: apt-get install python3-venv'
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

answers() { fetch --max-time 2 "${1%/v1}$health" 2>/dev/null; }

absolute() { printf '%s/%s\n' "$(cd -- "$(dirname -- "$1")" && pwd -P)" "$(basename -- "$1")"; }

free_port() {
  "$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start() {
  check_model
  local tool
  for tool in curl ps; do
    command -v "$tool" >/dev/null || die "$tool is missing" "install it; on Debian: apt-get install curl procps"
  done
  if running; then
    join
    return
  fi
  install

  local what url pid
  what=$(served)
  # Somebody could take the port before the server does; it then dies at once, and the end of its log says so.
  [ -n "$port" ] || port=$(free_port)
  # Checked, because whatever listens there would answer the readiness probe in our server's place.
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    die "something listens on port $port already" 'choose another --port, or none for a free one'
  fi
  url=http://127.0.0.1:$port/v1

  rm -rf -- "$run"
  mkdir -p -- "$run"
  printf '%s\n' "$what" >"$run/model"
  printf '%s\n' "$url" >"$run/url"
  (umask 077 && printf '%s\n' "$key" >"$run/key")

  say "starting $title ($name, port $port; log: $run/log)"
  # Job control gives the server a process group of its own: Ctrl-C here does not reach it, and stop ends all of it.
  set -m
  # It outlives the terminal that it was started from.
  (trap '' HUP && launch "$what") </dev/null >"$run/log" 2>&1 &
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

# Make do with the server that runs already, if it is the one that was asked for.
join() {
  local url what
  url=$(cat "$run/url")
  what=$(cat "$run/model")
  [ -z "$model" ] || [ "$what" = "$(absolute "$model")" ] ||
    die "$name already runs, with the model $what" 'stop it first, or choose another --name'
  [ -z "$port" ] || [ "$url" = "http://127.0.0.1:$port/v1" ] ||
    die "$name already runs, at $url" 'stop it first, or choose another --name'
  # Another start may still be waiting for it.
  await "$url"
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
    sleep "$poll"
  done
}

give_up() {
  say "--- the end of $run/log"
  tail -n 25 "$run/log" >&2 || true
  say '---'
  die "$@"
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
  local state='does not run'
  if running; then state='is stopped'; fi
  end_server
  say "$title ($name) $state"
}

status() {
  if running; then
    local state=starting
    if answers "$(cat "$run/url")"; then state=up; fi
    printf '%s is %s: %s, model %s from %s, pid %s, log %s\n' \
      "$title" "$state" "$(cat "$run/url")" "$name" "$(cat "$run/model")" "$(server_pid)" "$run/log"
  else
    printf '%s (%s) does not run; %s\n' \
      "$title" "$name" "$(if installed; then echo "installed in $venv"; else echo 'not installed'; fi)"
    exit 3
  fi
}

url() {
  running || die "$title ($name) does not run" "start it: ${0##*/} start"
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

# main "$@"
main() {
  read_arguments "$@"
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
    run) run_with_server "${words[@]}" ;;
  esac
}
