# Rendered by Nomad whenever a service moves; nginx then reads it again (SIGHUP) without dropping a request.
{{- $houses := "auth ticket order payment expiration" | split " " }}
{{- $again := printf "127.0.0.1:%s" (env "NOMAD_PORT_again") }}
daemon off;
{{- with env "INGRESS_USER" }}
user {{ . }};
{{- end }}
worker_processes {{ env "INGRESS_WORKERS" }};
# What an old worker has under way when the configuration changes may take this long.
worker_shutdown_timeout 60s;
pid {{ env "NOMAD_TASK_DIR" }}/nginx.pid;
error_log stderr warn;

events {
    worker_connections 4096;
}

http {
    log_format line escape=json
        '{"time":"$time_iso8601","method":"$request_method","path":"$uri","status":$status,"bytes":$body_bytes_sent,'
        '"seconds":$request_time,"client":"$remote_addr","upstream":"$upstream_addr","upstream_status":"$upstream_status",'
        '"upstream_seconds":"$upstream_response_time","request_id":"$sent_http_x_request_id"}';
    access_log /dev/stdout line;

    client_body_temp_path {{ env "NOMAD_TASK_DIR" }}/tmp-body;
    proxy_temp_path {{ env "NOMAD_TASK_DIR" }}/tmp-proxy;
    fastcgi_temp_path {{ env "NOMAD_TASK_DIR" }}/tmp-none;
    uwsgi_temp_path {{ env "NOMAD_TASK_DIR" }}/tmp-none;
    scgi_temp_path {{ env "NOMAD_TASK_DIR" }}/tmp-none;

    types {
        text/html html;
        application/json json;
    }
    default_type application/octet-stream;
    server_tokens off;
    tcp_nodelay on;
    keepalive_timeout 65s;
    client_header_timeout 15s;
    client_body_timeout 15s;
    # The services take 64 KiB.
    client_max_body_size 128k;
    client_body_buffer_size 128k;
    gzip on;
    gzip_types application/json application/problem+json;
    gzip_min_length 1024;

    proxy_http_version 1.1;
    proxy_connect_timeout 2s;
    proxy_read_timeout 40s;
    # There is one instance of each service: what to do when it does not answer is said below.
    proxy_next_upstream off;

    # Which service a path belongs to. Nothing else is passed on: not /metrics, not /health.
    map $uri $house {
        default "";
        ~^/api/v1/auth(/|$) auth;
        ~^/api/v1/tickets(/|$) ticket;
        ~^/api/v1/orders(/|$) order;
        ~^/api/v1/payments(/|$) payment;
        ~^/api/v1/expirations(/|$) expiration;
    }
{{ range $houses }}
    upstream {{ . }} {
{{- range service (print "ticketing-" .) }}
        server {{ .Address }}:{{ .Port }} max_fails=0;
{{- else }}
        # Nobody is healthy now: refused at once.
        server 127.0.0.1:1 max_fails=0;
{{- end }}
        # Given up before the service does (after a minute), so that it never hangs up on a request.
        keepalive 64;
        keepalive_timeout 30s;
    }
{{ end }}
    upstream again {
        server {{ $again }} max_fails=0;
    }

    # A service that is updated is away for some seconds: it has one writer, so the old one ends before the new one
    # begins. A request that did not reach it is held and tried again after 1, 1.5, 2, 2 and 3.5 s, through a server of our
    # own: a worker that reads the new configuration accepts that connection, and knows where the service is now.
    # A request may be tried again if not a byte of it was sent, if it only reads, or if it has an idempotency key.
    map "$upstream_bytes_sent|$request_method|$http_idempotency_key" $may_try_again {
        volatile;
        default 0;
        "~^[-0, :]*\|" 1;
        "~\|(GET|HEAD|OPTIONS)\|" 1;
        "~\|POST\|." 1;
    }

    map "" $away {
        default '{"type":"urn:ticketing:problem:unavailable","title":"Service Unavailable","status":503,"detail":"This part is away for a moment: try again, with the same Idempotency-Key if there was one."}';
    }
    map "" $unknown {
        default '{"type":"urn:ticketing:problem:unavailable","title":"Gateway Timeout","status":504,"detail":"There was no answer, and it is not known whether the request was carried out: look, or repeat it with its Idempotency-Key."}';
    }

    server {
        listen {{ $again }};
        access_log off;

        # As our own other server has sent it on.
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;

        location / {
            proxy_pass http://$house;
            error_page 502 = @gone;
        }
        # 598, of our own making: not reached, may be tried again.
        location @gone {
            default_type application/problem+json;
            add_header Retry-After 2 always;
            if ($may_try_again = 0) {
                return 504 $unknown;
            }
            if ($http_x_last_try) {
                return 503 $away;
            }
            return 598;
        }
    }

    # For Nomad and Prometheus, on a port of its own.
    server {
        listen {{ env "NOMAD_ADDR_admin" }};
        access_log off;

        location = /live {
            default_type text/plain;
            return 200 "live\n";
        }
        location = /status {
            stub_status;
        }
        location / {
            return 404;
        }
    }
{{ if eq (env "INGRESS_TLS") "true" }}
    ssl_certificate {{ env "NOMAD_SECRETS_DIR" }}/tls.crt;
    ssl_certificate_key {{ env "NOMAD_SECRETS_DIR" }}/tls.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
    ssl_prefer_server_ciphers off;
    ssl_session_cache shared:tls:10m;
    ssl_session_tickets off;
{{ end }}
{{- if eq (env "INGRESS_REDIRECT") "true" }}
    server {
        listen {{ env "NOMAD_PORT_http" }} default_server;
        return 308 https://$host$request_uri;
    }
{{ end }}
    server {
{{- if ne (env "INGRESS_REDIRECT") "true" }}
        listen {{ env "NOMAD_PORT_http" }} default_server;
{{- end }}
{{- if eq (env "INGRESS_TLS") "true" }}
        listen {{ env "NOMAD_PORT_https" }} ssl http2 default_server;
        add_header Strict-Transport-Security "max-age=31536000" always;
{{- end }}
        recursive_error_pages on;

        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        # What a client says of itself is not believed.
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Last-Try $last_try;

        location /api/ {
            if ($house = "") {
                return 404;
            }
            proxy_pass http://$house;
            error_page 502 = @wait1;
            error_page 504 = @unknown;
            error_page 404 = @nothing;
            error_page 413 = @too_large;
        }

        # The pages about all services together; those of one service are its own.
        location = / {
            return 302 /docs;
        }
        location = /docs {
            alias {{ env "NOMAD_TASK_DIR" }}/pages/docs.html;
            default_type text/html;
        }
        location = /openapi.json {
            alias {{ env "NOMAD_TASK_DIR" }}/pages/openapi.json;
        }
        location / {
            return 404;
        }
        error_page 404 = @nothing;
        error_page 413 = @too_large;

        set $last_try "";
{{- $waits := "1s 1500ms 2s 2s 3500ms" | split " " }}
{{- range $number, $wait := $waits }}
        location @wait{{ add $number 1 }} {
{{- if eq $number 0 }}
            if ($may_try_again = 0) {
                return 504;
            }
            error_page 504 = @unknown;
{{- end }}
            auth_request /-/refused;
            auth_delay {{ $wait }};
            error_page 401 = @again{{ add $number 1 }};
        }
        location @again{{ add $number 1 }} {
{{- if eq (add $number 1) (len $waits) }}
            # nginx leads a request on ten times, and this was the tenth: the other server says the last word.
            set $last_try last;
            proxy_pass http://again;
{{- else }}
            proxy_pass http://again;
            proxy_intercept_errors on;
            error_page 598 = @wait{{ add $number 2 }};
            error_page 502 504 = @away;
{{- end }}
        }
{{- end }}

        # What delays: nginx answers "unauthorized" late (auth_delay), and that leads on.
        location = /-/refused {
            internal;
            return 401;
        }

        location @nothing {
            default_type application/problem+json;
            return 404 '{"type":"urn:ticketing:problem:not-found","title":"Not Found","status":404,"detail":"There is nothing here."}';
        }
        location @too_large {
            default_type application/problem+json;
            return 413 '{"type":"urn:ticketing:problem:payload-too-large","title":"Content Too Large","status":413,"detail":"A request can have 64 KiB."}';
        }
        location @away {
            default_type application/problem+json;
            add_header Retry-After 2 always;
            return 503 $away;
        }
        location @unknown {
            default_type application/problem+json;
            add_header Retry-After 2 always;
            return 504 $unknown;
        }
    }
}
