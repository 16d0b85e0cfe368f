# Everything here also works with plain cargo and bash.

# What CI runs, without the layers that install things.
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
    cargo test

# Every fault against every check, those that fill the server too; and the clean mock over 20 seeds.
matrix:
    MATRIX=whole cargo test --test judge

# Rewrite generated files and snapshots, then look at what changed.
bless:
    BLESS=1 INSTA_UPDATE=always cargo test
    git status --short

# Two mock servers, checked side by side.
demo:
    cargo run --release -- demo

# An endpoint that misbehaves: `just broken sse-no-done`.
broken FAULT:
    cargo run -- mock --port 8089 --fault {{FAULT}}

# All suites against a real vLLM on CPU with a tiny random model (installs about 6 GB once).
real-vllm *ARGS:
    scripts/real-check.sh vllm {{ARGS}}

# All suites against llama.cpp's real server (installs about 130 MB once).
real-llamacpp *ARGS:
    scripts/real-check.sh llamacpp {{ARGS}}

# All suites against LiteLLM's real proxy in front of our own mock (installs about 500 MB once).
real-litellm *ARGS:
    scripts/real-check.sh litellm {{ARGS}}

# Every lens against the real client it speaks for.
client-test:
    scripts/client-test.sh

# Take the newest clients and rewrite their pins; then mend the lenses and `BLESS=1 just client-test`.
clients:
    scripts/client-pins.sh
    BLESS=1 scripts/client-test.sh

# The HTML report in headless Chromium.
browser:
    scripts/browser-test.sh

# Figures: scanner, whole check, cold start, binary size.
bench:
    cargo bench
    scripts/measure.sh

# What other load clients take for the same streams, and what they say of them; those that are installed.
bench-rivals *ARGS:
    scripts/bench-rivals.sh {{ARGS}}
