#!/usr/bin/env bash
# llama.cpp's real HTTP server, to check the harness against something nobody here wrote: cheap enough for every CI run.
set -euo pipefail

readonly XLLAMACPP_VERSION=2026.10.11549
# Part of the install stamp: raise it when the steps of `install` change, so that old venvs are made anew.
readonly RECIPE=1

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
kind=llamacpp title="llama.cpp's server (xllamacpp $XLLAMACPP_VERSION)" name=parrot timeout=60 poll=0.2 health=/health
# shellcheck source=real-server.sh
. "$here/real-server.sh"

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

parrot=$here/../fixtures/models/parrot.gguf

installed() { [ "$(cat "$venv/.installed" 2>/dev/null)" = "xllamacpp $XLLAMACPP_VERSION recipe $RECIPE" ]; }

install() {
  if installed; then return; fi
  local python
  python=$(python_from 10 20)
  say "installing xllamacpp $XLLAMACPP_VERSION into $venv"
  make_venv "$python"
  # Wheels only: the source would need a compiler and an hour.
  "$venv/bin/pip" install --quiet --only-binary :all: "xllamacpp==$XLLAMACPP_VERSION" ||
    die "cannot install xllamacpp $XLLAMACPP_VERSION" 'has the package index a wheel for this system?'

  # Last, so that an interrupted install is not taken for a whole one.
  printf 'xllamacpp %s recipe %s\n' "$XLLAMACPP_VERSION" "$RECIPE" >"$venv/.installed"
}

# By its magic: the server's own message for another file does not say so.
is_gguf() { [ -f "$1" ] && [ "$(head -c 4 -- "$1")" = GGUF ]; }

check_model() { [ -z "$model" ] || is_gguf "$model" || die "$model is no GGUF file" 'give one with --model'; }

served() {
  is_gguf "${model:-$parrot}" || die "$parrot is no GGUF file" 'the checkout lacks it; give another with --model'
  absolute "${model:-$parrot}"
}

launch() {
  # By the environment, because arguments show in ps.
  export PROOFHOUSE_REAL_KEY=$key
  exec "$venv/bin/python" "$here/llamacpp_server.py" --model "$1" --port "$port" --alias "$name"
}

warm_up() { :; }

main "$@"
