# For test-nomad: load, timed steps, and the operations of the steps.
# shellcheck shell=bash

# shellcheck source=scripts/cluster.bash
. scripts/cluster.bash

rate="${TICKETING_RATE:-25}"
programs="${TICKETING_PROGRAMS:-$cluster/bin}"
previous="${TICKETING_PREVIOUS:+$(realpath "$TICKETING_PREVIOUS")}"

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# until_true SECONDS CONDITION COMMAND…: waits until the command succeeds. CONDITION is for the error message.
until_true() {
    local deadline=$((SECONDS + $1)) condition="$2"
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || die "timeout waiting for: $condition"
        sleep 0.2
    done
}

front="http://127.0.0.1:$http_port"
record="$cluster/record.jsonl"

start_load() {
    rm -f "$record" "$record.seed"
    start_process load "$programs/drill" load --url "$front" --record "$record" --rate "$rate"
    # The buyers sign up first.
    until_true 90 "buyers" has_responses 100
}

# has_responses COUNT: whether the record has this many responses.
has_responses() { [ "$(wc -l <"$record")" -ge "$1" ]; }

stop_load() { stop_process load; }

# step ALLOWED NAME COMMAND…: runs a command under load and measures it. ALLOWED is "none" if no request may fail after
# its retry, or "some" if the step may break the error budget; the table shows by how much.
steps=()
step() {
    local allowed="$1" name="$2" since started=$SECONDS
    shift 2
    say "$name"
    since="$(now_ms)"
    pid_of load >/dev/null || die "the load has ended: $cluster/log/load.log"
    "$@"
    step_took=$((SECONDS - started))
    # Includes the consequences of the step: two more seconds of load.
    until_true 60 "sales continue after \"$name\"" has_responses $(($(wc -l <"$record") + 2 * rate))
    steps+=("$allowed $since $(now_ms) $step_took $name")
    report_step "${steps[-1]}" >&2 || die "requests failed during \"$name\""
}

# report_step STEP: prints the results of the requests during a step, as far as they are known. Fails if a request has
# failed and none may.
report_step() {
    local allowed since until took name line code=0
    read -r allowed since until took name <<<"$1"
    line="$("$programs/drill" report "$record" --since "$since" --until "$until" 2>"$cluster/log/failed")" || code=$?
    printf '%-52s %4d s  %s\n' "$name" "$took" "$line"
    ((code != 0)) || return 0
    cat "$cluster/log/failed" >>"$cluster/log/failures.log"
    [ "$allowed" = some ] || { cat "$cluster/log/failed" >&2 && return 1; }
}

# Reports all steps again, when all requests are answered.
report_steps() {
    local step code=0
    for step in "${steps[@]}"; do report_step "$step" || code=1; done
    return "$code"
}

# allocation JOB [FIELD]: a field, ID or NodeID, of the running allocation of a job.
allocation() {
    "$nomad" operator api "/v1/job/ticketing-$1/allocations" | python3 -c '
import json, sys
runs = [a for a in json.load(sys.stdin) if a["ClientStatus"] == "running" and a["DesiredStatus"] == "run"]
print(max(runs, key=lambda a: a["CreateIndex"])[sys.argv[1]] if runs else "")' "${2:-ID}"
}

# ready JOB [OLD]: whether the allocation of a job is healthy in Consul, and not the old one.
ready() {
    local now
    now="$(allocation "$1")"
    [ -n "$now" ] && [ "$now" != "${2:-}" ] &&
        curl -sf "$CONSUL_HTTP_ADDR/v1/health/service/ticketing-$1?passing" | grep -qF "_nomad-task-$now-"
}

# Checks that the ingress serves the start page and the page of a listing, with their own policies, and no operator's page.
check_pages() {
    local listing page headers="$cluster/log/page.headers" body="$cluster/log/page.html"
    listing="$(curl -sf "$front/api/v1/tickets?limit=1&sort=newest" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])')" || die "no listing is on sale"
    for page in / "/events/$listing"; do
        until_true 30 "the page $page" curl -sf --max-time 10 -D "$headers" -o "$body" "$front$page"
        grep -qi "^<!doctype html>" "$body" || die "$page is no page: $body"
        [ "$(grep -ci "^content-security-policy:.*style-src 'self'" "$headers")" = 1 ] ||
            die "$page does not have its own policy: $headers"
    done
    [ "$(curl -s -o /dev/null -w '%{http_code}' "$front/metrics")" = 404 ] || die "the ingress serves /metrics"
}

# Sells, pays and holds a ticket through the ingress' pages, as two people do.
buy_through_pages() {
    python3 scripts/buy_through_pages.py "$front" >>"$cluster/log/pages.log" 2>&1 ||
        die "nothing was bought through the pages: $cluster/log/pages.log"
}

# The process of a service in its allocation.
process_of() { pgrep -f "^(/[^ ]*)?/ticketing-$1 serve\$" | tail -n 1; }

kill_service() {
    local old
    old="$(process_of "$1")"
    kill -KILL "$old"
    until_true 60 "$1 is back" another_process "$1" "$old"
    until_true 60 "$1 is ready" ready "$1"
}

another_process() { [ -n "$(process_of "$1")" ] && [ "$(process_of "$1")" != "$2" ]; }

# Creates releases of other versions. Data appended to an ELF file change its checksum, not the program.
create_releases() {
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
            # Runs, but does not answer.
            # shellcheck disable=SC2016
            printf '#!/bin/sh\ntrap exit TERM\n/bin/sh -c "kill -STOP \$\$" &\nwait\n' \
                >"$cluster/releases/silent/${file##*/}"
            ;;
        esac
    done
    for file in broken silent; do install -m 755 -t "$cluster/releases/$file" "$dist/litestream"; done
    for file in next broken silent; do write_sums "$cluster/releases/$file"; done
}

# Starts the agents and the jobs of an earlier release by its own scripts.
start_previous() {
    say "the earlier release"
    ln -sfn "$previous/dist" "$cluster/releases/previous"
    # shellcheck disable=SC2016  # the inner shell expands it
    (cd "$previous" && TICKETING_DIST="$previous/dist" bash -euo pipefail -c '
        . scripts/drill.bash
        install_tools
        create_folders
        start_bucket
        start_consul
        start_nomad
        put_secrets
        write_vars
        sed -i "s|^release .*|release = \"http://127.0.0.1:$release_port/previous\"|" "$cluster/here.vars.hcl"
        run_jobs')
}

# Updates everything from the earlier release, in the order of docs/operating.md.
update_from_previous() {
    local name
    step none "Nomad's agent gets the folders of new services" restart_nomad
    step none "update the broker's job" run_job rabbitmq
    step some "update the Stripe simulator" run_job stripe-sim
    for name in notification payment expiration ticket order auth "${sites[@]}"; do
        step none "update $name from the earlier release" run_job "$name"
    done
    # It is the only one, so connections are refused while it restarts.
    step some "update ingress from the earlier release" run_job ingress
    for name in auth order; do step none "republish $name" republish "$name"; done
}

republish() {
    "$nomad" alloc exec -job -task "$1" "ticketing-$1" "/local/ticketing-$1" republish >>"$cluster/log/jobs.log" 2>&1 ||
        die "$1 did not republish: $cluster/log/jobs.log"
}

# Writes checksums like release-binaries.
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

# deploy RELEASE SERVICE [OPTION…]
deploy() {
    dist="$cluster/releases/$1" run_job "$2" -var="release=http://127.0.0.1:$release_port/$1" "${@:3}"
}

# deploy_broken RELEASE SERVICE [OPTION…]: checks that the deployment fails and is reverted to the previous version.
deploy_broken() {
    local old
    old="$("$nomad" operator api "/v1/job/ticketing-$2" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["Version"])')"
    ! (deploy "$@") 2>/dev/null || die "a broken $2 was reported as healthy"
    until_true 90 "$2 is reverted" reverted "$2" "$old"
    until_true 90 "$2 is ready" ready "$2"
}

reverted() {
    "$nomad" operator api "/v1/job/ticketing-$1/deployment" | python3 -c '
import json, sys
deployment = json.load(sys.stdin)
sys.exit(deployment["Status"] != "successful" or deployment["JobVersion"] <= int(sys.argv[1]) + 1)' "$2"
}

# stop_allocation SERVICE: stops the allocation, and waits for a new one.
stop_allocation() {
    local old
    old="$(allocation "$1")"
    "$nomad" alloc stop -detach "$old" >/dev/null
    until_true 90 "$1 has another allocation" ready "$1" "$old"
    until_true 60 "$1 runs again" ready "$1"
}

# lose_database SERVICE: simulates the loss of the disk.
lose_database() {
    local lost
    lost="$(allocation "$1")"
    rm -f "$cluster/data/$1/$1.db" "$cluster/data/$1/$1.db-wal" "$cluster/data/$1/$1.db-shm"
    kill -KILL "$(process_of "$1")"
    until_true 60 "$1 has another allocation" ready "$1" "$lost"
}

kill_broker() {
    local old
    # The node of this allocation: not that of another broker on this machine, and not the Erlang process with which a node
    # starts epmd again every minute.
    old="$(grep -ls "$(allocation rabbitmq)" /proc/[0-9]*/cgroup | cut -d / -f 3 | xargs -r ps -ww -o pid=,args= -p |
        awk '$2 ~ /beam/ && / -s rabbit boot / { print $1 }')"
    [ -n "$old" ] || die "no process of the broker found"
    kill -KILL "$old"
    until_true 30 "the broker is reported as down" not ready rabbitmq
    until_true 120 "the broker is back" ready rabbitmq
}

not() { ! "$@"; }

restart_nomad() {
    local pids
    pids="$(for service in "${services[@]}"; do process_of "$service"; done)"
    stop_process nomad KILL
    start_nomad
    [ "$pids" = "$(for service in "${services[@]}"; do process_of "$service"; done)" ] ||
        die "services were restarted with the agent"
}

restart_consul() {
    stop_process consul
    start_consul
    for service in "${services[@]}"; do until_true 60 "$service is registered in Consul" ready "$service"; done
}

# The broker restarts with the new password; events wait in the outboxes meanwhile.
rotate_broker() {
    local old
    rm "$cluster/secrets/amqp-order"
    old="$(process_of order)"
    put_secrets
    until_true 60 "order starts with its new password" another_process order "$old"
    for service in rabbitmq order; do until_true 120 "$service is ready" ready "$service"; done
}

# Tries with the password of each service what belongs to the others.
trespass() {
    local address
    address="$(curl -sf "$CONSUL_HTTP_ADDR/v1/health/service/ticketing-rabbitmq?passing" | python3 -c '
import json, sys
service = json.load(sys.stdin)[0]["Service"]
print("%s:%d" % (service["Address"], service["Port"]))')"
    "$programs/drill" trespass --broker "$address" --passwords "$cluster/secrets" >&2
}

# Tries as the system user of each service to read the secrets, databases and replicas of the others. The paths of running
# tasks are no secret: they are in the list of processes.
trespass_files() {
    local service list="$cluster/secrets/files" found own
    find "$cluster"/nomad/alloc/*/*/secrets "$cluster/data" "$cluster/backup" -type f ! -name .nomad-mount -printf '%u %p\n' \
        >"$list" 2>/dev/null || true
    for service in "${services[@]}" stripe-sim; do
        found="$(awk -v user="ticketing-$service" '$1 != user { print $2 }' "$list" | readable_by "$service" | sed -n 1p)"
        [ -z "$found" ] || die "ticketing-$service can read $found"
        # Its secrets and its database; files of a replica come and go.
        own="$(awk -v user="ticketing-$service" '$1 == user { print $2 }' "$list" | readable_by "$service" | wc -l)"
        ((own >= 2)) || die "only $own files of ticketing-$service were found"
    done
    rm "$list"
}

# readable_by SERVICE: those of the files on standard input that its user can read.
readable_by() {
    # shellcheck disable=SC2016  # the inner shell expands it
    runuser -u "ticketing-$1" -- sh -c 'while read -r file; do if test -r "$file"; then echo "$file"; fi; done'
}

rotate_stripe() {
    local old
    old="$(process_of payment)"
    put_stripe "sk_test_$(openssl rand -hex 12)"
    until_true 60 "payment starts with its new key" another_process payment "$old"
    until_true 60 "payment is ready" ready payment
}

verify_backups() {
    local before
    before="$(date +%s)"
    "$nomad" job periodic force ticketing-backup >/dev/null
    until_true 120 "the backups are verified" backups_verified "$before"
}

backups_verified() {
    "$nomad" operator api '/v1/jobs?prefix=ticketing-backup/periodic-' | python3 -c '
import json, sys
runs = [j for j in json.load(sys.stdin) if j["SubmitTime"] >= int(sys.argv[1]) * 10**9]
summary = max(runs, key=lambda j: j["SubmitTime"])["JobSummary"]["Summary"]["proof"]
sys.exit(summary["Complete"] != 1)' "$1"
}

# Builds the release, and the programs of the test in debug mode.
get_programs() {
    local target="${CARGO_TARGET_DIR:-target}"
    if [ -z "${TICKETING_DIST:-}" ]; then scripts/release-binaries "$dist"; fi
    [ -f "$dist/release.vars.hcl" ] || die "$dist contains no release: run scripts/release-binaries"
    if [ -z "${TICKETING_PROGRAMS:-}" ]; then
        cargo build --quiet --locked --workspace --bins --examples >&2
        install -D -m 755 -t "$programs" "$target/debug/drill" "$target/debug/demo" "$target/debug/examples/replicated"
    fi
}
