# For test-nomad: a second machine and its loss, and Prometheus.
# shellcheck shell=bash

# shellcheck source=scripts/drill.bash
. scripts/drill.bash

# Starts a second machine, on 127.0.0.2: its own Consul and Nomad client, and its own folders. Only the replicas are
# shared with the first machine.
start_second_node() {
    local node="$cluster/node2" service
    mkdir -p "$node"
    chmod 711 "$node"
    {
        echo 'data_dir = "'"$node/consul"'"'
        echo 'client_addr = "127.0.0.2"'
        echo "acl { tokens { agent = \"$(token consul-agent)\", default = \"$(token consul-services)\" } }"
    } >"$cluster/secrets/consul2.hcl"
    {
        echo 'name = "ticketing-2"'
        echo 'bind_addr = "127.0.0.2"'
        echo 'advertise { http = "127.0.0.2", rpc = "127.0.0.2", serf = "127.0.0.2" }'
        echo "data_dir = \"$node/nomad\""
        echo 'disable_update_check = true'
        echo 'acl { enabled = true }'
        echo 'consul {'
        echo '  address = "127.0.0.2:8500"'
        echo "  token = \"$(token consul-nomad)\""
        echo '}'
        echo 'client {'
        echo '  network_interface = "lo"'
        echo '  servers = ["127.0.0.1:4647"]'
        echo '  min_dynamic_port = 32001'
        echo '  max_dynamic_port = 32700'
        echo '  options = { "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean" }'
        for service in "${services[@]}" stripe-sim rabbitmq; do
            install -d -m 700 "$node/data/$service"
            [ "$service" = rabbitmq ] || own_folder "$service" "$node/data/$service"
            host_volume "$service" "$node/data/$service"
        done
        for service in "${services[@]}"; do host_volume "$service-backup" "$cluster/backup/$service"; done
        echo '}'
    } >"$cluster/secrets/here2.hcl"
    start_process consul2 "$consul" agent -config-file=consul/agent/client.hcl -config-file=consul/agent/acl.hcl \
        -config-file="$cluster/secrets/consul2.hcl" -bind=127.0.0.2 -retry-join=127.0.0.1 -node=ticketing-2
    await_process consul2 30 curl -sf http://127.0.0.2:8500/v1/status/leader
    start_process nomad2 "$nomad" agent -config=nomad/agent/client.hcl -config="$cluster/secrets/here2.hcl"
    await_process nomad2 180 second_node
}

# The id of the second node, once it is ready.
second_node() {
    "$nomad" operator api /v1/nodes | python3 -c '
import json, sys
ready = [n["ID"] for n in json.load(sys.stdin) if n["Name"] == "ticketing-2" and n["Status"] == "ready"]
print(ready[0]) if ready else sys.exit(1)'
}

runs_on() { [ "$(allocation "$1" NodeID)" = "$2" ] && ready "$1"; }

# move_to_second SERVICE: moves a service, by making the first node ineligible for a moment.
move_to_second() {
    "$nomad" node eligibility -self -disable >/dev/null
    "$nomad" alloc stop -detach "$(allocation "$1")" >/dev/null
    until_true 90 "$1 runs on the second node" runs_on "$1" "$(second_node)"
    "$nomad" node eligibility -self -enable >/dev/null
    # The old folder is out of date from now on, and must not be used if the service comes back.
    rm -rf "$cluster/before-the-move"
    mv "$cluster/data/$1" "$cluster/before-the-move"
    own_folder "$1" "$cluster/data/$1"
}

# Checks that an allocation refuses the out-of-date database that the first node has kept.
check_old_database_refused() {
    local old="$cluster/before-the-move" output
    printf 'dbs:\n  - path: %s\n    replica:\n      type: file\n      path: %s\n' "$old/$1.db" "$cluster/backup/$1" \
        >"$old/litestream.yml"
    ! output="$(NOMAD_SECRETS_DIR="$old" DATABASE="$old/$1.db" REPLICA="$cluster/backup/$1" RESTORE_TO="" \
        LITESTREAM="$dist/litestream" sh nomad/service/restore.sh 2>&1)" ||
        die "an out-of-date database was accepted: $output"
    grep -q "replica is newer than this database" <<<"$output" ||
        die "an out-of-date database was refused for another reason: $output"
}

drain_second() {
    "$nomad" node drain -enable -deadline 1m -yes -detach "$(second_node)" >/dev/null
    until_true 90 "$1 runs on the first node" runs_on "$1" "$("$nomad" node status -self -json |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["ID"])')"
}

# Simulates the loss of the machine: kills the agents and their tasks, and deletes the disk.
lose_second() {
    local lost children
    lost="$(allocation "$1")"
    # The agent's processes that run tasks and collect logs. They survive the agent, but not the loss of a machine.
    children="$(cat "/proc/$(pid_of nomad2)/task/"*/children 2>/dev/null || true)"
    kill -KILL "$(pid_of nomad2)" "$(pid_of consul2)"
    grep -ls "$lost" /proc/[0-9]*/cgroup | cut -d / -f 3 | xargs -r kill -KILL 2>/dev/null || true
    xargs -r kill -KILL <<<"$children" 2>/dev/null || true
    unmount_under "$cluster/node2"
    rm -rf "$cluster/node2/data"
    # Only an operator can decide that the node is lost.
    "$nomad" alloc stop -detach "$lost" >/dev/null
    until_true 120 "$1 runs on the first node" ready "$1" "$lost"
    # Otherwise Prometheus would continue to scrape it.
    "$consul" force-leave -prune ticketing-2 >/dev/null
}

reenable_second() {
    "$nomad" node drain -disable -yes "$(second_node)" >/dev/null
    rm -rf "$cluster/node2/data/expiration" && own_folder expiration "$cluster/node2/data/expiration"
}

prometheus_port=$((http_port + 3))

start_prometheus() {
    start_process prometheus "$(scripts/tool prometheus)" --config.file=nomad/observability/prometheus.yml \
        --storage.tsdb.path="$cluster/prometheus" --web.listen-address="127.0.0.1:$prometheus_port"
}

# count_series QUERY: the number of series in the result.
count_series() {
    curl -sfG "http://127.0.0.1:$prometheus_port/api/v1/query" --data-urlencode "query=$1" |
        python3 -c 'import json, sys; print(len(json.load(sys.stdin)["data"]["result"]))'
}

has_series() { [ "$(count_series "$1")" -ge "$2" ]; }

# Checks that all services are scraped, that the rules are loaded, and that no critical alert fires.
check_prometheus() {
    local all=("${services[@]}" "${sites[@]}")
    until_true 60 "Prometheus scrapes all services" \
        has_series "up{service=~\"$(IFS='|' && echo "${all[*]}")\"} == 1" "${#all[@]}"
    until_true 60 "Prometheus scrapes every Litestream" \
        has_series 'up{service=~".*-litestream"} == 1' "${#services[@]}"
    until_true 30 "Prometheus has requests of every service" \
        has_series 'sum by (service) (http_server_request_duration_seconds_count)' "${#all[@]}"
    curl -sf "http://127.0.0.1:$prometheus_port/api/v1/rules" | grep -q TicketingServiceDown ||
        die "Prometheus has no rules"
    until_true 150 "no critical alert fires (Prometheus: $cluster/log/alerts.json)" no_critical_alert
}

no_critical_alert() {
    curl -sf "http://127.0.0.1:$prometheus_port/api/v1/alerts" >"$cluster/log/alerts.json"
    not has_series 'ALERTS{alertstate="firing", severity="critical"}' 1
}
