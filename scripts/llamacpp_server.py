#!/usr/bin/env python3
"""llama.cpp's own HTTP server, started in this process by the xllamacpp package.

    llamacpp_server.py --model FILE.gguf --port N [--alias NAME] [--context TOKENS] [--parallel N]

The API key comes by PROOFHOUSE_REAL_KEY (arguments show in ps); without one the server asks for none. SIGTERM and
Ctrl-C end it. `scripts/real-llamacpp.sh` makes the venv that this runs in.
"""

import argparse
import os
import signal
import sys

try:
    import xllamacpp
except ImportError as error:
    sys.exit(f"error: {error}\n  (run this with the Python of the venv that `scripts/real-llamacpp.sh install` makes)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, metavar="FILE", help="a GGUF file")
    parser.add_argument("--port", required=True, type=int, help="on 127.0.0.1")
    parser.add_argument("--alias", default="parrot", help="the model's name in answers (default: parrot)")
    parser.add_argument("--context", type=int, default=4096, help="tokens of context per slot (default: 4096)")
    parser.add_argument("--parallel", type=int, default=4, help="slots, so requests at a time (default: 4)")
    arguments = parser.parse_args()
    if not os.path.isfile(arguments.model):
        sys.exit(f"error: no such file: {arguments.model}\n  (name a GGUF file with --model)")

    params = xllamacpp.CommonParams()
    params.model.path = arguments.model
    params.model_alias = {arguments.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = arguments.port
    # llama.cpp divides the context between the slots.
    params.n_ctx = arguments.context * arguments.parallel
    params.n_parallel = arguments.parallel
    # Without it, tools are refused.
    params.use_jinja = True
    params.endpoint_metrics = True
    key = os.environ.get("PROOFHOUSE_REAL_KEY", "")
    params.api_keys = [key] if key else []

    # Blocked before the server's threads are made, which inherit it: the signal then waits for sigwait below, and
    # cannot fall on a thread inside the C++ code.
    endings = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        way_out = f"is port {arguments.port} taken, or {arguments.model} no GGUF model? see the lines above"
        sys.exit(f"error: {error}\n  ({way_out})")
    print(f"listening on {server.listening_address}", flush=True)
    signal.sigwait(endings)
    # Not by the interpreter's shutdown: it would wait for streams that are still being written.
    os._exit(0)


if __name__ == "__main__":
    main()
