# For test-nomad: a second machine and what happens to it, and Prometheus, which sees all of it.
# shellcheck shell=bash

# shellcheck source=scripts/drill.bash
. scripts/drill.bash

# A second machine, on 127.0.0.2: a Consul and a Nomad client of its own, and folders of its own; only the replicas are
# where the first one has them, too.
start_second_node() {
    local here="$cluster/node2" service
    mkdir -p "$here"
    chmod 711 "$here"
    {
        echo 'data_dir = "'"$here/consul"'"'
        echo 'client_addr = "127.0.0.2"'
        echo "acl { tokens { agent = \"$(token consul-agent)\" } }"
    } >"$cluster/secrets/consul2.hcl"
    {
        echo 'name = "ticketing-2"'
        echo 'bind_addr = "127.0.0.2"'
        echo 'advertise { http = "127.0.0.2", rpc = "127.0.0.2", serf = "127.0.0.2" }'
        echo "data_dir = \"$here/nomad\""
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
            install -d -o nobody -g nogroup -m 700 "$here/data/$service"
            host_volume "$service" "$here/data/$service"
        done
        for service in "${services[@]}"; do host_volume "$service-backup" "$cluster/backup/$service"; done
        echo '}'
    } >"$cluster/secrets/here2.hcl"
    start_process consul2 "$consul" agent -config-file=consul/agent/client.hcl -config-file=consul/agent/acl.hcl \
        -config-file="$cluster/secrets/consul2.hcl" -bind=127.0.0.2 -retry-join=127.0.0.1 -node=ticketing-2
    await_process consul2 30 curl -sf http://127.0.0.2:8500/v1/status/leader
    start_process nomad2 "$nomad" agent -config=nomad/agent/client.hcl -config="$cluster/secrets/here2.hcl"
    await_process nomad2 60 second_node
}

# Its id, once it is ready.
second_node() {
    "$nomad" operator api /v1/nodes | python3 -c '
import json, sys
ready = [n["ID"] for n in json.load(sys.stdin) if n["Name"] == "ticketing-2" and n["Status"] == "ready"]
print(ready[0]) if ready else sys.exit(1)'
}

runs_on() { [ "$(allocation "$1" NodeID)" = "$2" ] && ready "$1"; }

# move_to_second SERVICE: nothing else may run there, so the first node takes nobody for a moment.
move_to_second() {
    "$nomad" node eligibility -self -disable >/dev/null
    "$nomad" alloc stop -detach "$(allocation "$1")" >/dev/null
    until_true 90 "$1 runs on the second node" runs_on "$1" "$(second_node)"
    "$nomad" node eligibility -self -enable >/dev/null
    # What is left here is old from now on: it must not be gone on with, should the service come back.
    rm -rf "$cluster/before-the-move"
    mv "$cluster/data/$1" "$cluster/before-the-move"
    install -d -o nobody -g nogroup -m 700 "$cluster/data/$1"
}

# What the first node has kept is old: an allocation that found it there would not begin.
refuse_old() {
    local old="$cluster/before-the-move" said
    printf 'dbs:\n  - path: %s\n    replica:\n      type: file\n      path: %s\n' "$old/$1.db" "$cluster/backup/$1" >"$old/litestream.yml"
    ! said="$(NOMAD_SECRETS_DIR="$old" DATABASE="$old/$1.db" REPLICA="$cluster/backup/$1" RESTORE_TO="" \
        LITESTREAM="$dist/litestream" sh nomad/service/restore.sh 2>&1)" || die "an old database is gone on with: $said"
    grep -q "replica is newer than this database" <<<"$said" || die "why is an old database refused? $said"
}

drain_second() {
    "$nomad" node drain -enable -deadline 1m -yes -detach "$(second_node)" >/dev/null
    until_true 90 "$1 runs on the first node" runs_on "$1" "$("$nomad" node status -self -json | python3 -c 'import json, sys; print(json.load(sys.stdin)["ID"])')"
}

# As a power cut: the agents, whatever they run, and the disk.
lose_second() {
    local lost
    lost="$(allocation "$1")"
    kill -KILL "$(pid_of nomad2)" "$(pid_of consul2)"
    grep -ls "$lost" /proc/[0-9]*/cgroup | cut -d / -f 3 | xargs -r kill -KILL 2>/dev/null || true
    unmount_under "$cluster/node2"
    rm -rf "$cluster/node2/data"
    # Nobody knows but a person that it will not come back.
    "$nomad" alloc stop -detach "$lost" >/dev/null
    until_true 120 "$1 runs on the first node" ready "$1" "$lost"
    # Or Prometheus would go on asking it.
    "$consul" force-leave -prune ticketing-2 >/dev/null
}

second_again() {
    "$nomad" node drain -disable -yes "$(second_node)" >/dev/null
    rm -rf "$cluster/node2/data/expiration" && install -d -o nobody -g nogroup -m 700 "$cluster/node2/data/expiration"
}

prometheus_port=$((http_port + 3))

start_prometheus() {
    start_process prometheus "$(scripts/tool prometheus)" --config.file=nomad/observability/prometheus.yml \
        --storage.tsdb.path="$cluster/prometheus" --web.listen-address="127.0.0.1:$prometheus_port"
}

# ask QUERY: how many series answer.
ask() {
    curl -sfG "http://127.0.0.1:$prometheus_port/api/v1/query" --data-urlencode "query=$1" |
        python3 -c 'import json, sys; print(len(json.load(sys.stdin)["data"]["result"]))'
}

answers() { [ "$(ask "$1")" -ge "$2" ]; }

# Everything that Consul lists is scraped, the rules are there, and none of them wakes anybody.
ask_prometheus() {
    until_true 60 "Prometheus sees five services" answers "up{service=~\"$(IFS='|' && echo "${services[*]}")\"} == 1" "${#services[@]}"
    until_true 60 "and their five Litestreams" answers 'up{service=~".*-litestream"} == 1' 5
    until_true 30 "and requests" answers 'sum by (service) (http_server_request_duration_seconds_count)' 5
    curl -sf "http://127.0.0.1:$prometheus_port/api/v1/rules" | grep -q TicketingServiceDown || die "Prometheus has no rules"
    until_true 150 "nothing critical fires (Prometheus: $cluster/log/alerts.json)" calm
}

calm() {
    curl -sf "http://127.0.0.1:$prometheus_port/api/v1/alerts" >"$cluster/log/alerts.json"
    not answers 'ALERTS{alertstate="firing", severity="critical"}' 1
}
