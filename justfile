# `./justw` alone lists the recipes; `./justw RECIPE` runs one.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

_list:
    @{{ just_executable() }} --justfile {{ justfile() }} --list --unsorted

# Run everything in one process: six services, Stripe simulator, front door
[no-exit-message]
dev *args: _toolchain
    @scripts/with-broker cargo run --package stack --bin stack -- dev "$@"

# Sell tickets over HTTP on a running stack, and print each step
[no-exit-message]
demo *args: _toolchain
    @cargo run --quiet --package stack --bin demo -- "$@"

# Measure the marketplace, the limits of the machine and a peer; write docs/performance.md
[no-exit-message]
bench *args: _toolchain
    @scripts/bench "$@"

# Kill, pause, cut off and starve services and broker under load, and check what they stored
[no-exit-message]
torture *args: _toolchain
    @scripts/torture "$@"

# Run all checks of CI, except test-nomad
[no-exit-message]
test: _compiled_beside_ingress _scripts _specs _observability _dependencies _nomad _packaging _tests _browser _torture

# Run the tests in a real browser; `./justw browser sign_up` runs those with this name
[no-exit-message]
browser *args: _toolchain
    @scripts/with-broker cargo test --workspace --locked --test browser -- "$@"

# Write pictures of all pages, in both widths and both colour schemes, to a folder
[no-exit-message]
screenshots folder=".data/screenshots": _toolchain
    @scripts/screenshots "$@"

# Check formatting and lints: the fast part of `test`
[no-exit-message]
check: _toolchain
    @scripts/step "formatting" cargo fmt --all --check
    @scripts/step "lints" cargo clippy --workspace --all-targets --locked -- --deny warnings

# Format the code
fmt: _toolchain
    cargo fmt --all

# Regenerate openapi/*.json and docs/settings.md from the code
specs: _toolchain
    cargo run --package stack --bin stack -- specs --write openapi
    cargo run --package stack --bin stack -- settings --write docs/settings.md
    cargo run --package stack --bin stack -- broker-definitions --write nomad/rabbitmq/definitions.json
    scripts/validate-specs

# Start the broker only, and print its URL
[no-exit-message]
broker:
    @scripts/broker start

# Stop the broker and keep its queues
[no-exit-message]
broker-stop:
    @scripts/broker stop

# Run the production jobs with a real Nomad and Consul on this machine (as root)
[no-exit-message]
nomad-up:
    @scripts/nomad-up

# Stop these jobs; keep data and secrets unless --forget
[no-exit-message]
nomad-down *args:
    @scripts/nomad-down "$@"

# Update, kill, break, lose and restore the jobs under load, and verify all data afterwards (as root)
[no-exit-message]
test-nomad:
    @scripts/test-nomad

# Format the configuration files of Nomad and Consul
[no-exit-message]
nomad-fmt:
    @"$(scripts/tool nomad)" fmt -recursive nomad consul/agent

# Build the deployable files in ./dist: static binaries, checksums
[no-exit-message]
release-binaries *args: _toolchain
    @scripts/release-binaries "$@"

# Build a release in ./dist: programs, archive, checksums, SBOMs, notes
[no-exit-message]
release *args: _toolchain
    @scripts/release "$@"

# Delete all data: databases and queues
[confirm("This deletes ./.data and the queues of the broker that the scripts started. Continue?")]
clean-data:
    @scripts/broker forget
    rm -rf .data

[no-exit-message]
_toolchain:
    @scripts/toolchain

[no-exit-message]
_specs:
    @scripts/step "specifications" scripts/validate-specs

[no-exit-message]
_observability:
    @scripts/step "alert rules" scripts/check-observability

[no-exit-message]
_dependencies:
    @scripts/step "dependencies" scripts/check-dependencies

[no-exit-message]
_nomad:
    @scripts/step "Nomad jobs" scripts/check-nomad

[no-exit-message]
_ingress:
    @scripts/step "ingress" scripts/check-ingress

# The checks of the ingress wait most of the time, the compiler never does.
[parallel]
_compiled_beside_ingress: _compiled _ingress

[no-exit-message]
_compiled: check
    @scripts/step "compile tests" cargo test --workspace --locked --no-run

[no-exit-message]
_packaging:
    @scripts/step "packaging" scripts/check-packaging

[no-exit-message]
_scripts:
    @scripts/step "shell scripts" scripts/check-scripts

# Most tests wait for a broker, a disk or a deadline: two for each processor take a quarter less time.
[no-exit-message]
_tests:
    @RUST_TEST_THREADS="$(($(nproc) * 2))" scripts/step "tests" scripts/with-broker cargo test --workspace --locked

# Built like the other tests, so that nothing is compiled twice. Lighthouse measures, so it runs alone.
[no-exit-message]
_browser:
    @scripts/step "browser" scripts/with-broker cargo test --workspace --locked --test browser -- --skip lighthouse
    @scripts/step "Lighthouse" scripts/with-broker cargo test --workspace --locked --test browser lighthouse

# Two runs at once: most of a round is the time that services need to agree again
[parallel]
_torture: (_torture_rounds "1") (_torture_rounds "2")

# With the programs that the tests have built
[no-exit-message]
_torture_rounds run:
    @scripts/step "torture {{ run }} of 2" scripts/torture --built --rounds 5 --seconds 8
