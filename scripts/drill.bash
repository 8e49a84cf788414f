# For test-nomad: buyers who go on while something is done, steps that are timed, and what is done to the cluster.
# shellcheck shell=bash

# shellcheck source=scripts/cluster.bash
. scripts/cluster.bash

rate="${TICKETING_RATE:-25}"
programs="${TICKETING_PROGRAMS:-$cluster/bin}"

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# until_true SECONDS WHAT COMMAND…
until_true() {
    local deadline=$((SECONDS + $1)) what="$2"
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || die "$what: not within the time given"
        sleep 0.2
    done
}

front="http://127.0.0.1:$http_port"
record="$cluster/record.jsonl"

start_load() {
    rm -f "$record" "$record.seed"
    start_process load "$programs/drill" load --url "$front" --record "$record" --rate "$rate"
    # The crew signs up first.
    until_true 90 "buyers" sold 100
}

# sold COUNT: so many answers are written down.
sold() { [ "$(wc -l <"$record")" -ge "$1" ]; }

stop_load() { stop_process load; }

# step HOW NAME COMMAND…: under load, timed. HOW: "none" when no request may fail that a client has sent twice, "some"
# where a budget is broken by what is done, and the table tells by how much.
steps=()
step() {
    local how="$1" name="$2" since started=$SECONDS
    shift 2
    say "$name"
    since="$(now_ms)"
    pid_of load >/dev/null || die "the buyers have gone: $cluster/log/load.log"
    "$@"
    step_took=$((SECONDS - started))
    # What it has led to is counted, too: two seconds of buyers who do not notice anything any more.
    until_true 60 "sales go on after \"$name\"" sold $(($(wc -l <"$record") + 2 * rate))
    steps+=("$how $since $(now_ms) $step_took $name")
    tell_step "${steps[-1]}" >&2 || die "requests failed during \"$name\""
}

# tell_step STEP: what became of what was asked meanwhile, as far as it is known. Fails where nothing might.
tell_step() {
    local how since until took name line code=0
    read -r how since until took name <<<"$1"
    line="$("$programs/drill" report "$record" --since "$since" --until "$until" 2>"$cluster/log/failed")" || code=$?
    printf '%-52s %4d s  %s\n' "$name" "$took" "$line"
    ((code != 0)) || return 0
    cat "$cluster/log/failed" >>"$cluster/log/failures.log"
    [ "$how" = some ] || { cat "$cluster/log/failed" >&2 && return 1; }
}

# Once more, when all that was asked is answered.
tell_steps() {
    local told code=0
    for told in "${steps[@]}"; do tell_step "$told" || code=1; done
    return "$code"
}

# The allocation of a job that runs, and its fields: running JOB, ID or NodeID.
allocation() {
    "$nomad" operator api "/v1/job/ticketing-$1/allocations" | python3 -c '
import json, sys
runs = [a for a in json.load(sys.stdin) if a["ClientStatus"] == "running" and a["DesiredStatus"] == "run"]
print(max(runs, key=lambda a: a["CreateIndex"])[sys.argv[1]] if runs else "")' "${2:-ID}"
}

# ready JOB [OLD]: Consul sends requests to its allocation, which is not the old one.
ready() {
    local now
    now="$(allocation "$1")"
    [ -n "$now" ] && [ "$now" != "${2:-}" ] &&
        curl -sf "$CONSUL_HTTP_ADDR/v1/health/service/ticketing-$1?passing" | grep -qF "_nomad-task-$now-"
}

# The process of a service in its allocation; there is one.
process_of() { pgrep -f "^(/[^ ]*)?/ticketing-$1 serve\$" | tail -n 1; }

kill_service() {
    local old
    old="$(process_of "$1")"
    kill -KILL "$old"
    until_true 60 "$1 is back" another_process "$1" "$old"
    until_true 60 "$1 is ready" ready "$1"
}

another_process() { [ -n "$(process_of "$1")" ] && [ "$(process_of "$1")" != "$2" ]; }

# A release of other versions: an ELF file with something behind it is another file, and the same program.
make_releases() {
    local file
    mkdir -p "$cluster/releases/next" "$cluster/releases/broken" "$cluster/releases/silent"
    ln -sfn "$dist" "$cluster/releases/this"
    for file in "$dist"/*; do
        case "${file##*/}" in
        ticketing-*.tar.gz | litestream) install -m 755 -t "$cluster/releases/next" "$file" ;;
        ticketing-*)
            install -m 755 -t "$cluster/releases/next" "$file"
            echo "another version" >>"$cluster/releases/next/${file##*/}"
            printf '#!/bin/sh\nexit 1\n' >"$cluster/releases/broken/${file##*/}"
            # Lives, and answers nobody.
            # shellcheck disable=SC2016
            printf '#!/bin/sh\ntrap exit TERM\n/bin/sh -c "kill -STOP \$\$" &\nwait\n' >"$cluster/releases/silent/${file##*/}"
            ;;
        esac
    done
    for file in broken silent; do install -m 755 -t "$cluster/releases/$file" "$dist/litestream"; done
    for file in next broken silent; do write_sums "$cluster/releases/$file"; done
}

# As release-binaries does.
write_sums() {
    (
        cd "$1" || exit
        rm -f SHA256SUMS release.vars.hcl
        sha256sum -- * >SHA256SUMS.new
        mv SHA256SUMS.new SHA256SUMS
        echo "checksums = {"
        while read -r sum file; do printf '  "%s" = "sha256:%s"\n' "$file" "$sum"; done <SHA256SUMS
        echo "}"
    ) >"$1.vars.hcl"
    mv "$1.vars.hcl" "$1/release.vars.hcl"
}

# deploy RELEASE SERVICE
deploy() {
    dist="$cluster/releases/$1" run_job "$2" -var="release=http://127.0.0.1:$release_port/$1"
}

# deploy_broken RELEASE SERVICE: the deployment fails, and the version before it is back.
deploy_broken() {
    local old
    old="$("$nomad" operator api "/v1/job/ticketing-$2" | python3 -c 'import json, sys; print(json.load(sys.stdin)["Version"])')"
    ! (deploy "$1" "$2") 2>/dev/null || die "a broken $2 is called healthy"
    until_true 90 "$2 is reverted" reverted "$2" "$old"
    until_true 90 "$2 is ready" ready "$2"
}

reverted() {
    "$nomad" operator api "/v1/job/ticketing-$1/deployment" | python3 -c '
import json, sys
deployment = json.load(sys.stdin)
sys.exit(deployment["Status"] != "successful" or deployment["JobVersion"] <= int(sys.argv[1]) + 1)' "$2"
}

# stop_allocation SERVICE: it ends well, and another one begins.
stop_allocation() {
    local old
    old="$(allocation "$1")"
    "$nomad" alloc stop -detach "$old" >/dev/null
    until_true 90 "$1 has another allocation" ready "$1" "$old"
    until_true 60 "$1 runs again" ready "$1"
}

# lose_database SERVICE: as a disk that fails under it.
lose_database() {
    local lost
    lost="$(allocation "$1")"
    rm -f "$cluster/data/$1/$1.db" "$cluster/data/$1/$1.db-wal" "$cluster/data/$1/$1.db-shm"
    kill -KILL "$(process_of "$1")"
    until_true 60 "$1 has another allocation" ready "$1" "$lost"
}

kill_broker() {
    local old
    # The Erlang machine of that allocation, and not another broker on this machine.
    old="$(grep -ls "$(allocation rabbitmq)" /proc/[0-9]*/cgroup | cut -d / -f 3 | xargs -r ps -o pid=,comm= -p | awk '$2 ~ /beam/ { print $1 }')"
    [ -n "$old" ] || die "no process of the broker is found"
    kill -KILL "$old"
    until_true 30 "the broker is seen to be away" not ready rabbitmq
    until_true 120 "the broker is back" ready rabbitmq
}

not() { ! "$@"; }

restart_nomad() {
    local pids
    pids="$(for service in "${services[@]}"; do process_of "$service"; done)"
    stop_process nomad KILL
    start_nomad
    [ "$pids" = "$(for service in "${services[@]}"; do process_of "$service"; done)" ] ||
        die "services did not survive their agent"
}

restart_consul() {
    stop_process consul
    start_consul
    for service in "${services[@]}"; do until_true 60 "Consul knows $service" ready "$service"; done
}

# The broker takes the new one over as it starts again; what is said meanwhile waits in the outboxes.
rotate_broker() {
    local old
    rm "$cluster/secrets/amqp-order"
    old="$(process_of order)"
    put_secrets
    until_true 60 "order starts with its new password" another_process order "$old"
    for service in rabbitmq order; do until_true 120 "$service is ready" ready "$service"; done
}

rotate_stripe() {
    local old
    old="$(process_of payment)"
    put_stripe "sk_test_$(openssl rand -hex 12)"
    until_true 60 "payment starts with its new key" another_process payment "$old"
    until_true 60 "payment is ready" ready payment
}

prove_backups() {
    local before
    before="$(date +%s)"
    "$nomad" job periodic force ticketing-backup >/dev/null
    until_true 120 "the backups are proved" proved "$before"
}

proved() {
    "$nomad" operator api '/v1/jobs?prefix=ticketing-backup/periodic-' | python3 -c '
import json, sys
runs = [j for j in json.load(sys.stdin) if j["SubmitTime"] >= int(sys.argv[1]) * 10**9]
summary = max(runs, key=lambda j: j["SubmitTime"])["JobSummary"]["Summary"]["proof"]
sys.exit(summary["Complete"] != 1)' "$1"
}

# The release, and who buys. The latter are programs of tests, as `just test` builds them.
get_programs() {
    local target="${CARGO_TARGET_DIR:-target}"
    if [ -z "${TICKETING_DIST:-}" ]; then scripts/release-binaries "$dist"; fi
    [ -f "$dist/release.vars.hcl" ] || die "$dist holds no release: scripts/release-binaries makes one"
    if [ -z "${TICKETING_PROGRAMS:-}" ]; then
        cargo build --quiet --locked --package drill --package stack --bins >&2
        cargo build --quiet --locked --package db --example replicated >&2
        install -D -m 755 -t "$programs" "$target/debug/drill" "$target/debug/demo" "$target/debug/examples/replicated"
    fi
}
