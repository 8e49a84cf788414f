# Shared by nomad-up, nomad-down and what tests the jobs: a Nomad and a Consul of one node each on this machine.
# shellcheck shell=bash

# shellcheck source=scripts/common.bash
. scripts/common.bash

cluster="${TICKETING_CLUSTER:-/var/lib/ticketing/cluster}"
dist="${TICKETING_DIST:-$cluster/dist}"
http_port="${TICKETING_INGRESS:-4080}"
https_port="$((http_port + 1))"
release_port="$((http_port + 2))"
driver="${TICKETING_DRIVER:-exec}"
# s3: into a bucket of moto's, a double of Amazon's store.
backup="${TICKETING_BACKUP:-file}"
bucket_port="$((http_port + 4))"
bucket_keys=()
[ "$backup" = file ] || bucket_keys=(backup_access_key_id=ticketing backup_secret_access_key=ticketing)

export NOMAD_ADDR="http://127.0.0.1:4646" CONSUL_HTTP_ADDR="http://127.0.0.1:8500"
# And certificates of another store are not those of our bucket: tasks inherit what the agent has.
unset NOMAD_TOKEN CONSUL_HTTP_TOKEN NOMAD_NAMESPACE AWS_CA_BUNDLE

# Set by make_ready, or by who sources this.
nomad="${nomad:-}" consul="${consul:-}" bucket_server="${bucket_server:-}"

# pid_of NAME: the process that start_process started under this name, if it still runs. A number alone may have become
# somebody else's since: the moment at which the process began is compared, too.
pid_of() {
    local pid began
    read -r pid began 2>/dev/null <"$cluster/$1.pid" && [ -n "$began" ] &&
        [ "$(began "$pid")" = "$began" ] && echo "$pid"
}

# When a process began, in ticks since the machine did.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# start_process NAME COMMAND…: in a session of its own, unless it runs.
start_process() {
    local name="$1"
    shift
    if pid_of "$name" >/dev/null; then return; fi
    setsid "$@" </dev/null >>"$cluster/log/$name.log" 2>&1 &
    echo "$! $(began "$!")" >"$cluster/$name.pid"
    # Its end is looked for, and is nobody's message.
    disown "$!"
}

# stop_process NAME [SIGNAL]
stop_process() {
    local pid deadline=$((SECONDS + 60))
    if ! pid="$(pid_of "$1")"; then return 0; fi
    kill "-${2:-TERM}" "$pid" || true
    while kill -0 "$pid" 2>/dev/null; do
        ((SECONDS < deadline)) || die "$1 (process $pid) does not stop"
        sleep 0.1
    done
    rm -f "$cluster/$1.pid"
}

# await_process NAME SECONDS COMMAND…: until the command succeeds, or the process has ended.
await_process() {
    local name="$1" deadline=$((SECONDS + $2))
    shift 2
    until sleep 0.2 && pid_of "$name" >/dev/null && "$@" >/dev/null 2>&1; do
        pid_of "$name" >/dev/null || die "$name ended: $(tail -n 1 "$cluster/log/$name.log")"
        ((SECONDS < deadline)) || die "$name does not answer (log: $cluster/log/$name.log)"
    done
}

# What runs the jobs, and what they need of this machine.
make_ready() {
    nomad="$(scripts/tool nomad)" consul="$(scripts/tool consul)"
    [ "$backup" = file ] || bucket_server="$(scripts/tool moto_server)"
    [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || apt_install "RabbitMQ is missing" rabbitmq-server
    [ -x /usr/sbin/nginx ] || apt_install "nginx is missing" nginx-light
    have openssl || apt_install "OpenSSL is missing" openssl
}

make_folders() {
    local service
    folder "$cluster/log"
    # Tasks run as several users, and each has to get to its own.
    chmod 711 "$cluster"
    chmod 700 "$cluster/log"
    mkdir -p "$cluster/secrets" "$cluster/nomad" "$cluster/consul" "$cluster/data"
    chmod 700 "$cluster/secrets" "$cluster/consul"
    mkdir -p "$cluster/backup"
    chmod 711 "$cluster/data" "$cluster/backup"
    for service in "${services[@]}" stripe-sim; do
        install -d -o nobody -g nogroup -m 700 "$cluster/data/$service" "$cluster/backup/$service"
    done
    install -d -o rabbitmq -g rabbitmq -m 700 "$cluster/data/rabbitmq"
}

# Nodes fetch what they run: here from this machine.
serve_release() {
    # The folder may be another one than last time.
    stop_process release
    start_process release python3 -m http.server --bind 127.0.0.1 --directory "${release_folder:-$dist}" "$release_port"
    await_process release 10 curl -sf "http://127.0.0.1:$release_port/"
}

start_bucket() {
    [ "$backup" = s3 ] || return 0
    start_process bucket env PYTHONPATH="$(dirname "$(dirname "$bucket_server")")" "$bucket_server" -H 127.0.0.1 -p "$bucket_port"
    await_process bucket 30 curl -sf -X PUT "http://127.0.0.1:$bucket_port/ticketing"
}

start_consul() {
    start_process consul "$consul" agent -config-file=consul/agent/server.hcl -config-file=consul/agent/acl.hcl \
        -data-dir="$cluster/consul" -bootstrap-expect=1 -bind=127.0.0.1 -node=ticketing -dns-port=-1
    CONSUL_HTTP_TOKEN="$(token consul)"
    export CONSUL_HTTP_TOKEN
    await_process consul 60 let_in_consul
    "$consul" acl policy read -name ticketing >/dev/null 2>&1 || make_policies >/dev/null
}

let_in_consul() { "$consul" acl token read -self || "$consul" acl bootstrap "$cluster/secrets/consul-token"; }

make_policies() {
    "$consul" acl policy create -name consul-agent -rules @consul/policies/consul-agent.hcl
    "$consul" acl token create -secret "$(token consul-agent)" -policy-name consul-agent -description "Consul's agents"
    "$consul" acl set-agent-token agent "$(token consul-agent)"
    "$consul" acl policy create -name nomad-agent -rules @consul/policies/nomad-agent.hcl
    "$consul" acl token create -secret "$(token consul-nomad)" -policy-name nomad-agent -description "Nomad's agents"
    "$consul" acl policy create -name ticketing -rules @consul/policies/ticketing.hcl
    "$consul" acl token update -accessor-id anonymous -policy-name ticketing
}

# token NAME: a random token, the same each time.
token() {
    local file="$cluster/secrets/$1-token"
    [ -s "$file" ] || (umask 077 && cat /proc/sys/kernel/random/uuid >"$file")
    cat "$file"
}

start_nomad() {
    local service
    {
        echo "# What differs on this machine from nomad/agent/*.hcl"
        echo 'name = "ticketing"'
        echo 'bind_addr = "127.0.0.1"'
        # Nomad does not guess that nobody else is to find it.
        echo 'advertise { http = "127.0.0.1", rpc = "127.0.0.1", serf = "127.0.0.1" }'
        echo "data_dir = \"$cluster/nomad\""
        echo 'disable_update_check = true'
        echo 'server { bootstrap_expect = 1 }'
        echo "consul { token = \"$(token consul-nomad)\" }"
        echo 'client {'
        echo '  network_interface = "lo"'
        # Asking a cloud for its name takes half a minute where there is none.
        echo '  options = { "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean" }'
        for service in "${services[@]}" stripe-sim rabbitmq; do
            host_volume "$service" "$cluster/data/$service"
        done
        for service in "${services[@]}"; do host_volume "$service-backup" "$cluster/backup/$service"; done
        echo '}'
    } >"$cluster/secrets/here.hcl"
    start_process nomad "$nomad" agent -config=nomad/agent/server.hcl -config=nomad/agent/client.hcl \
        -config="$cluster/secrets/here.hcl"
    await_process nomad 60 curl -sf "$NOMAD_ADDR/v1/status/leader"
    enter_nomad
    await_process nomad 60 node_ready
}

host_volume() { printf '  host_volume "ticketing-%s" {\n    path = "%s"\n  }\n' "$1" "$2"; }

node_ready() { "$nomad" node status -self -short | grep -qE '^Status *= ready'; }

# The first token, which may do everything. Whoever uses the cluster afterwards needs it, too.
enter_nomad() {
    NOMAD_TOKEN="$(token nomad)"
    export NOMAD_TOKEN
    # A server that has just been elected needs a moment.
    await_process nomad 30 let_in_nomad
}

let_in_nomad() { "$nomad" acl token self || "$nomad" acl bootstrap "$cluster/secrets/nomad-token"; }

# secret NAME: a random one, the same each time.
secret() {
    local file="$cluster/secrets/$1"
    [ -s "$file" ] || (umask 077 && openssl rand -hex 24 >"$file")
    cat "$file"
}

put_var() {
    local path="$1"
    shift
    # Unchanged secrets are not written: jobs would restart for nothing.
    "$nomad" var put -force -out=none "$path" "$@" >/dev/null 2>&1 || die "cannot put the Nomad variable $path"
}

# put_stripe KEY: for the payment service and for the double. Both have the one that signs webhooks, too.
put_stripe() {
    local keys=("stripe_secret_key=$1" "stripe_webhook_secret=whsec_$(secret stripe-webhook)")
    (umask 077 && echo "$1" >"$cluster/secrets/stripe-key")
    put_var nomad/jobs/ticketing-stripe-sim "${keys[@]}"
    put_var nomad/jobs/ticketing-payment "amqp_password=$(secret amqp-payment)" "${keys[@]}" "${bucket_keys[@]}"
}

put_secrets() {
    local service broker=()
    say "putting secrets into Nomad Variables"
    for service in "${services[@]}"; do
        broker+=("${service}_password=$(secret "amqp-$service")")
    done
    put_var nomad/jobs/ticketing-rabbitmq "${broker[@]}"
    for service in "${services[@]}"; do
        # Payment's variables hold Stripe's keys as well: put_stripe writes them.
        [ "$service" != payment ] || continue
        put_var "nomad/jobs/ticketing-$service" "amqp_password=$(secret "amqp-$service")" "${bucket_keys[@]}"
    done
    [ "$backup" = file ] || put_var nomad/jobs/ticketing-backup "${bucket_keys[@]}"
    put_stripe "${STRIPE_SECRET_KEY:-sk_test_ticketing}"
    if ! [ -s "$cluster/secrets/tls.crt" ]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=localhost \
            -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
            -keyout "$cluster/secrets/tls.key" -out "$cluster/secrets/tls.crt" 2>/dev/null
    fi
    put_var nomad/jobs/ticketing-ingress "tls_certificate=@$cluster/secrets/tls.crt" "tls_key=@$cluster/secrets/tls.key"
}

# run_job NAME [-var=…]…: returns when it is healthy.
run_job() {
    local name="$1" file="$1"
    shift
    if is_service "$name"; then file=service && set -- -var="service=$name" "$@"; fi
    (cd nomad && "$nomad" job run -hcl2-strict=false -var-file="$cluster/here.vars.hcl" \
        -var-file="$dist/release.vars.hcl" "$@" "$file.nomad.hcl") >>"$cluster/log/jobs.log" 2>&1 ||
        die "the job $name is not healthy: $nomad job status ticketing-$name (log: $cluster/log/jobs.log)"
}

is_service() { [[ " ${services[*]} " == *" $1 "* ]]; }

# What the jobs are told of this machine.
write_vars() {
    cat >"$cluster/here.vars.hcl" <<VARS
driver          = "$driver"
data            = "$cluster/data"
backup          = "$backup"
backup_folder   = "$cluster/backup"
backup_endpoint = "$([ "$backup" = file ] || echo "http://127.0.0.1:$bucket_port")"
release         = "http://127.0.0.1:$release_port"
stripe_url      = "${STRIPE_URL:-http://127.0.0.1:12111/}"
stripe_webhooks = true
stripe_webhook_url = "http://127.0.0.1:$http_port/api/v1/payments/webhook"
http_port       = $http_port
https_port      = $https_port
tls             = true
redirect        = false
ingress_workers = "2"
cookie_secure   = false
VARS
}

# All at once: each waits for whom it needs.
run_jobs() {
    local name pids=() started=$SECONDS code=0
    for name in rabbitmq stripe-sim ingress "${services[@]}"; do
        (run_job "$name" && say "$name is healthy after $((SECONDS - started)) s") &
        pids+=("$!")
    done
    for name in "${pids[@]}"; do wait "$name" || code=1; done
    ((code == 0)) || exit 1
}

# What Nomad mounted for its tasks must not be deleted through its mounts.
unmount_under() {
    local mount
    awk -v under="$1/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r |
        while read -r mount; do umount -l "$mount"; done
}

stop_jobs() {
    local job
    pid_of nomad >/dev/null || return 0
    enter_nomad
    say "stopping the jobs"
    for job in ingress payment expiration order ticket auth backup stripe-sim rabbitmq; do
        "$nomad" job stop -detach "ticketing-$job" >/dev/null 2>&1 || true
    done
    await_process nomad 90 nothing_runs
}

nothing_runs() {
    ! "$nomad" operator api '/v1/allocations?task_states=false' | grep -qE '"ClientStatus":"(running|pending)"'
}

stop_agents() {
    local name
    # As a crash would: a client that leaves would be drained first.
    for name in nomad2 nomad; do stop_process "$name" INT; done
    for name in consul2 consul release bucket; do stop_process "$name"; done
}
