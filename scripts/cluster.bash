# Shared by nomad-up, nomad-down and test-nomad: a Nomad and a Consul of one node each on this machine.
# shellcheck shell=bash

# shellcheck source=scripts/common.bash
. scripts/common.bash

cluster="${TICKETING_CLUSTER:-/var/lib/ticketing/cluster}"
dist="${TICKETING_DIST:-$cluster/dist}"
http_port="${TICKETING_INGRESS:-4080}"
https_port="$((http_port + 1))"
release_port="$((http_port + 2))"
driver="${TICKETING_DRIVER:-exec}"
# s3: a bucket of moto, an S3 simulator.
backup="${TICKETING_BACKUP:-file}"
bucket_port="$((http_port + 4))"
bucket_keys=()
[ "$backup" = file ] || bucket_keys=(backup_access_key_id=ticketing backup_secret_access_key=ticketing)

export NOMAD_ADDR="http://127.0.0.1:4646" CONSUL_HTTP_ADDR="http://127.0.0.1:8500"
# Tasks inherit the environment of the agent, and the certificates of another S3 service do not match the bucket.
unset NOMAD_TOKEN CONSUL_HTTP_TOKEN NOMAD_NAMESPACE AWS_CA_BUNDLE

# Set by install_tools, or by the sourcing script.
nomad="${nomad:-}" consul="${consul:-}" bucket_server="${bucket_server:-}"

# pid_of NAME: the process that start_process started under this name, if it still runs. Its start time is compared as
# well, because the process id may have been reused.
pid_of() {
    local pid started
    read -r pid started 2>/dev/null <"$cluster/$1.pid" && [ -n "$started" ] &&
        [ "$(start_ticks "$pid")" = "$started" ] && echo "$pid"
}

# The start time of a process, in ticks since the start of the machine.
start_ticks() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# start_process NAME COMMAND…: starts a process in its own session, unless it runs.
start_process() {
    local name="$1"
    shift
    if pid_of "$name" >/dev/null; then return; fi
    setsid "$@" </dev/null >>"$cluster/log/$name.log" 2>&1 &
    echo "$! $(start_ticks "$!")" >"$cluster/$name.pid"
    # The shell must not report its end; pid_of detects it.
    disown "$!"
}

# stop_process NAME [SIGNAL]
stop_process() {
    local pid deadline=$((SECONDS + 60))
    if ! pid="$(pid_of "$1")"; then return 0; fi
    kill "-${2:-TERM}" "$pid" || true
    while kill -0 "$pid" 2>/dev/null; do
        ((SECONDS < deadline)) || die "$1 (process $pid) did not stop within 60 s"
        sleep 0.1
    done
    rm -f "$cluster/$1.pid"
}

# await_process NAME SECONDS COMMAND…: waits until the command succeeds. Fails if the process ends, and otherwise with the
# last output of the command and the end of the log.
await_process() {
    local name="$1" limit="$2" output
    local deadline=$((SECONDS + limit))
    shift 2
    until sleep 0.2 && pid_of "$name" >/dev/null && output="$("$@" 2>&1)"; do
        pid_of "$name" >/dev/null || die "$name ended: $(tail -n 1 "$cluster/log/$name.log")"
        ((SECONDS < deadline)) && continue
        tail -n 20 "$cluster/log/$name.log" >&2
        die "$name is not ready after $limit s; $1 printed: $output"
    done
}

# Installs the agents and the packages that the jobs need.
install_tools() {
    nomad="$(scripts/tool nomad)" consul="$(scripts/tool consul)"
    [ "$backup" = file ] || bucket_server="$(scripts/tool moto_server)"
    [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || apt_install "RabbitMQ is missing" rabbitmq-server
    [ -x /usr/sbin/nginx ] || apt_install "nginx is missing" nginx-light
    have openssl || apt_install "OpenSSL is missing" openssl
}

# Creates the system users of packaging/systemd/sysusers.conf. They stay: users of other folders may have the same ids.
create_users() {
    local name id
    for name in "${services[@]}" "${sites[@]}" stripe-sim; do
        id="$(system_id "$name")"
        if ! id -u "ticketing-$name" >/dev/null 2>&1; then
            groupadd --system --gid "$id" "ticketing-$name"
            useradd --system --uid "$id" --gid "$id" --no-create-home --home-dir / --shell /usr/sbin/nologin \
                "ticketing-$name" 2>/dev/null
        fi
        [ "$(id -u "ticketing-$name"):$(id -g "ticketing-$name")" = "$id:$id" ] ||
            die "the user ticketing-$name of this machine does not have the id $id: delete it"
    done
}

# own_folder SERVICE FOLDER: creates a folder of a service, or changes its owner, also from that of an earlier release.
own_folder() {
    install -d -m 700 "$2"
    chown -R "ticketing-$1:ticketing-$1" "$2"
}

create_folders() {
    local service
    create_users
    ensure_folder "$cluster/log"
    # Tasks run as several users, and each needs access to its own folder.
    chmod 711 "$cluster"
    chmod 700 "$cluster/log"
    mkdir -p "$cluster/secrets" "$cluster/nomad" "$cluster/consul" "$cluster/data"
    chmod 700 "$cluster/secrets" "$cluster/consul"
    mkdir -p "$cluster/backup"
    chmod 711 "$cluster/data" "$cluster/backup"
    for service in "${services[@]}" stripe-sim; do
        own_folder "$service" "$cluster/data/$service"
        own_folder "$service" "$cluster/backup/$service"
    done
    install -d -o rabbitmq -g rabbitmq -m 700 "$cluster/data/rabbitmq"
}

# Serves the release, which nodes download over HTTP.
serve_release() {
    # The folder may have changed since the last start.
    stop_process release
    start_process release python3 -m http.server --bind 127.0.0.1 --directory "${release_folder:-$dist}" "$release_port"
    await_process release 10 curl -sf "http://127.0.0.1:$release_port/"
}

start_bucket() {
    [ "$backup" = s3 ] || return 0
    start_process bucket env PYTHONPATH="$(dirname "$(dirname "$bucket_server")")" "$bucket_server" \
        -H 127.0.0.1 -p "$bucket_port"
    await_process bucket 30 curl -sf -X PUT "http://127.0.0.1:$bucket_port/ticketing"
}

start_consul() {
    start_process consul "$consul" agent -config-file=consul/agent/server.hcl -config-file=consul/agent/acl.hcl \
        -data-dir="$cluster/consul" -bootstrap-expect=1 -bind=127.0.0.1 -node=ticketing -dns-port=-1
    CONSUL_HTTP_TOKEN="$(token consul)"
    export CONSUL_HTTP_TOKEN
    await_process consul 60 ensure_consul_token
    "$consul" acl policy read -name ticketing >/dev/null 2>&1 || create_policies >/dev/null
    "$consul" acl token read -self -token "$(token consul-services)" >/dev/null 2>&1 || create_default_token >/dev/null
}

ensure_consul_token() { "$consul" acl token read -self || "$consul" acl bootstrap "$cluster/secrets/consul-token"; }

create_policies() {
    "$consul" acl policy create -name consul-agent -rules @consul/policies/consul-agent.hcl
    "$consul" acl token create -secret "$(token consul-agent)" -policy-name consul-agent -description "Consul's agents"
    "$consul" acl set-agent-token agent "$(token consul-agent)"
    "$consul" acl policy create -name nomad-agent -rules @consul/policies/nomad-agent.hcl
    "$consul" acl token create -secret "$(token consul-nomad)" -policy-name nomad-agent -description "Nomad's agents"
    "$consul" acl policy create -name ticketing -rules @consul/policies/ticketing.hcl
}

# Not the policy of the anonymous token: Consul 1.22.6 can replace that token by an empty one when it restarts.
create_default_token() {
    "$consul" acl token create -secret "$(token consul-services)" -policy-name ticketing -description "Ticketing's services"
    "$consul" acl set-agent-token default "$(token consul-services)"
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
        echo "# Settings of this machine, in addition to nomad/agent/*.hcl"
        echo 'name = "ticketing"'
        echo 'bind_addr = "127.0.0.1"'
        # Without this, Nomad advertises an address of another interface.
        echo 'advertise { http = "127.0.0.1", rpc = "127.0.0.1", serf = "127.0.0.1" }'
        echo "data_dir = \"$cluster/nomad\""
        echo 'disable_update_check = true'
        echo 'server { bootstrap_expect = 1 }'
        echo "consul { token = \"$(token consul-nomad)\" }"
        echo 'client {'
        echo '  network_interface = "lo"'
        # Detecting a cloud takes half a minute if there is none.
        echo '  options = { "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean" }'
        for service in "${services[@]}" stripe-sim rabbitmq; do
            host_volume "$service" "$cluster/data/$service"
        done
        for service in "${services[@]}"; do host_volume "$service-backup" "$cluster/backup/$service"; done
        echo '}'
    } >"$cluster/secrets/here.hcl"
    start_process nomad "$nomad" agent -config=nomad/agent/server.hcl -config=nomad/agent/client.hcl \
        -config="$cluster/secrets/here.hcl"
    await_process nomad 60 curl -sf --max-time 10 "$NOMAD_ADDR/v1/status/leader"
    authenticate_nomad
    # A client whose first registration failed, because the new server had no key yet, repeats it after up to 30 s.
    await_process nomad 180 node_ready
}

host_volume() { printf '  host_volume "ticketing-%s" {\n    path = "%s"\n  }\n' "$1" "$2"; }

node_ready() {
    local status
    status="$(timeout 10 "$nomad" node status -self -short)"
    echo "$status"
    grep -qE '^Status *= ready' <<<"$status"
}

# Exports the management token. Users of the cluster need it as well.
authenticate_nomad() {
    NOMAD_TOKEN="$(token nomad)"
    export NOMAD_TOKEN
    # A newly elected server needs a moment.
    await_process nomad 30 ensure_nomad_token
}

ensure_nomad_token() { "$nomad" acl token self || "$nomad" acl bootstrap "$cluster/secrets/nomad-token"; }

# secret NAME [BYTES]: a random secret in hexadecimal digits, the same each time.
secret() {
    local file="$cluster/secrets/$1"
    [ -s "$file" ] || (umask 077 && openssl rand -hex "${2:-24}" >"$file")
    cat "$file"
}

put_var() {
    local path="$1"
    shift
    # Jobs restart only if the value of a secret changes.
    "$nomad" var put -force -out=none "$path" "$@" >/dev/null 2>&1 || die "cannot put the Nomad variable $path"
}

# put_stripe KEY: stores the key for the payment service and the simulator, with the secret that signs webhooks.
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
        # The variable of payment contains Stripe's keys as well; put_stripe writes it.
        [ "$service" != payment ] || continue
        local own=()
        case "$service" in
        auth) own=("encryption_key=$(secret auth-encryption-key 32)" "mail_key=$(secret mail-key 32)") ;;
        ticket) own=("admission_key=$(secret admission-key 32)") ;;
        notification) own=("mail_key=$(secret mail-key 32)" "admission_key=$(secret admission-key 32)") ;;
        esac
        put_var "nomad/jobs/ticketing-$service" "amqp_password=$(secret "amqp-$service")" "${own[@]}" "${bucket_keys[@]}"
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

# run_job NAME [-var=…]…: runs a job, and returns when it is healthy.
run_job() {
    local name="$1" file="$1"
    shift
    if is_service "$name"; then file=service && set -- -var="service=$name" "$@"; fi
    (cd nomad && "$nomad" job run -hcl2-strict=false -var-file="$cluster/here.vars.hcl" \
        -var-file="$dist/release.vars.hcl" "$@" "$file.nomad.hcl") >>"$cluster/log/jobs.log" 2>&1 ||
        die "the job $name is not healthy: $nomad job status ticketing-$name (log: $cluster/log/jobs.log)"
}

is_service() { [[ " ${services[*]} " == *" $1 "* ]]; }

# Writes the variables of the jobs for this machine.
write_vars() {
    # The simulator accepts this one for put_secrets' key.
    local publishable_key="${STRIPE_PUBLISHABLE_KEY:-}"
    [ -n "${STRIPE_SECRET_KEY:-}" ] || publishable_key=pk_test_ticketing
    cat >"$cluster/here.vars.hcl" <<VARS
driver          = "$driver"
broker_uid      = $(id -u rabbitmq)
data            = "$cluster/data"
backup          = "$backup"
backup_folder   = "$cluster/backup"
backup_endpoint = "$([ "$backup" = file ] || echo "http://127.0.0.1:$bucket_port")"
release         = "http://127.0.0.1:$release_port"
stripe_url      = "${STRIPE_URL:-http://127.0.0.1:12111/}"
stripe_webhooks = true
stripe_webhook_url = "http://127.0.0.1:$http_port/api/v1/payments/webhook"
stripe_script_url  = "${STRIPE_SCRIPT_URL:-http://127.0.0.1:12111/v3/}"
public_url         = "http://127.0.0.1:$http_port"
stripe_publishable_key = "$publishable_key"
http_port       = $http_port
https_port      = $https_port
tls             = true
redirect        = false
ingress_workers = "2"
ingress_requests = 1000
cookie_secure   = false
trusted_proxies = ["127.0.0.1", "127.0.0.2"]
storefront_addresses = ["127.0.0.1", "127.0.0.2"]
# The drill's few buyers order and pay more than buyers may, and all of its accounts are created from this machine, with
# addresses that nobody confirms.
environment = {
  TICKETING_MAX_OPEN_ORDERS            = "1000000"
  TICKETING_UNPAID_HOLD_PAUSE_SECONDS  = "0"
  TICKETING_SIGN_UPS_PER_ADDRESS       = "100000"
  TICKETING_SIGN_UP_REVEALS_ADDRESSES  = "true"
  TICKETING_REQUIRE_CONFIRMED_ADDRESS  = "false"
  TICKETING_DECLINED_CARDS_PER_BUYER   = "0"
  TICKETING_DECLINED_CARDS_PER_NETWORK = "0"
}
VARS
}

# Runs all jobs at once: each waits for the services that it needs.
run_jobs() {
    local name pids=() started=$SECONDS code=0
    for name in rabbitmq stripe-sim ingress "${services[@]}" "${sites[@]}"; do
        (run_job "$name" && say "$name is healthy after $((SECONDS - started)) s") &
        pids+=("$!")
    done
    for name in "${pids[@]}"; do wait "$name" || code=1; done
    ((code == 0)) || exit 1
}

# Unmounts the mounts of Nomad's tasks, so that deleting the folder does not delete the mounted files.
unmount_under() {
    local mount
    awk -v under="$1/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r |
        while read -r mount; do umount -l "$mount"; done
}

stop_jobs() {
    local job
    pid_of nomad >/dev/null || return 0
    authenticate_nomad
    say "stopping the jobs"
    for job in ingress storefront notification payment expiration order ticket auth backup stripe-sim rabbitmq; do
        "$nomad" job stop -detach "ticketing-$job" >/dev/null 2>&1 || true
    done
    await_process nomad 90 nothing_runs
}

nothing_runs() {
    ! "$nomad" operator api '/v1/allocations?task_states=false' | grep -qE '"ClientStatus":"(running|pending)"'
}

stop_agents() {
    local name
    # SIGINT ends an agent without leaving the cluster; a client that leaves would be drained first.
    for name in nomad2 nomad; do stop_process "$name" INT; done
    for name in consul2 consul release bucket; do stop_process "$name"; done
}
