# Nomad renders this file when the address of a service changes. nginx then reloads it (SIGHUP) without dropping a request.
{{- $services := "auth ticket order payment expiration notification storefront" | split " " }}
{{- $retry := printf "127.0.0.1:%s" (env "NOMAD_PORT_retry") }}
daemon off;
{{- with env "INGRESS_USER" }}
user {{ . }};
{{- end }}
worker_processes {{ env "INGRESS_WORKERS" }};
# The time that requests of an old worker may take after a reload.
worker_shutdown_timeout 60s;
pid {{ env "NOMAD_TASK_DIR" }}/nginx.pid;
error_log stderr warn;

events {
    worker_connections 4096;
}

http {
    log_format line escape=json
        '{"time":"$time_iso8601","method":"$request_method","path":"$logged_path","status":$status,"bytes":$body_bytes_sent,'
        '"seconds":$request_time,"client":"$remote_addr","peer":"$realip_remote_addr",'
        '"upstream":"$upstream_addr","upstream_status":"$upstream_status",'
        '"upstream_seconds":"$upstream_response_time","request_id":"$sent_http_x_request_id"}';
    access_log /dev/stdout line;
    # Paths that end in a secret, those of links in mails, are logged without it.
    map $uri $logged_path {
        default $uri;
        "~^(?<secret_of>(/(confirm|reset|change-email)|(/api/v1)?/transfers)/)." "$secret_of{token}";
    }

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
    # As much as the services and the pages accept (docs/problems.md); Stripe's webhooks and pictures are larger.
    client_max_body_size 64k;
    client_body_buffer_size 192k;
    # What slow clients hold on the disk, with the limits of requests below. The rest of a response waits in its service.
    proxy_max_temp_file_size 8m;
    http2_max_concurrent_streams 32;
    # The address of a client, or its IPv6 network of 64 bits.
    map $binary_remote_addr $client_network {
        default $binary_remote_addr;
        "~(?s)^(?<first_half>.{8}).{8}$" $first_half;
    }
    limit_conn_zone $client_network zone=requests:10m;
    limit_conn_zone $client_network zone=streams:10m;
    limit_conn_status 429;
    # The access log has the refusals.
    limit_conn_log_level info;
{{- with env "INGRESS_BALANCERS" }}

    # The client is the first address, from the right, that is no balancer.
{{- range split "," . }}
    set_real_ip_from {{ . }};
{{- end }}
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
{{- end }}

    gzip on;
    gzip_types application/json application/problem+json;
    gzip_min_length 1024;

    proxy_http_version 1.1;
    proxy_connect_timeout 2s;
    proxy_read_timeout 40s;
    # Each service but the storefront has one instance. Retries are configured below.
    proxy_next_upstream off;

    # The service of each path: what is no part of the API is a page. /metrics and /health of the services are not forwarded.
    map $uri $service {
        default storefront;
        ~^/api/v1/auth(/|$) auth;
        ~^/api/v1/tickets(/|$) ticket;
        ~^/api/v1/admissions(/|$) ticket;
        ~^/api/v1/transfers(/|$) ticket;
        ~^/api/v1/orders(/|$) order;
        ~^/api/v1/payments(/|$) payment;
        ~^/api/v1/expirations(/|$) expiration;
        ~^/api/v1/notifications(/|$) notification;
        ~^/(api|docs|health|metrics|openapi\.json)(/|$) "";
    }
{{ range $services }}
    upstream {{ . }} {
{{- range service (print "ticketing-" .) }}
        server {{ .Address }}:{{ .Port }} max_fails=0;
{{- else }}
        # No healthy instance: connections are refused at once.
        server 127.0.0.1:1 max_fails=0;
{{- end }}
        # Shorter than in the services (a minute), so that a service never closes a connection in use.
        keepalive 64;
        keepalive_timeout 30s;
    }
{{ end }}
    upstream retry {
        server {{ $retry }} max_fails=0;
    }

    # An update stops a service for some seconds: it has one writer, so the old instance ends before the new one starts.
    # A request that did not reach the service is held and retried after 1, 1.5, 2, 2 and 3.5 s, through an internal
    # server: a worker with the new configuration accepts that connection, and has the new address of the service.
    # A request may be retried if no byte of it was sent, if it only reads, or if it has an idempotency key.
    # The key protects the operations that store their responses: a repeated request gets the first response.
    map "$upstream_bytes_sent|$request_method|$uri|$http_idempotency_key" $may_retry {
        volatile;
        default 0;
        "~^[-0, :]*\|" 1;
        "~\|(GET|HEAD|OPTIONS)\|" 1;
        "~\|POST\|/api/v1/(auth/signup|tickets|orders|orders/[^/|]+/refunds|payments)\|." 1;
        "~\|POST\|/api/v1/(tickets/[^/|]+/(check-ins|doors)|admissions/[^/|]+/transfer)\|." 1;
    }
    # Whether this try has sent a part of a write, whose outcome is unknown then.
    map "$upstream_bytes_sent|$request_method" $sent_write {
        volatile;
        default sent;
        "~^[-0, :]*\|" "";
        "~\|(GET|HEAD|OPTIONS)$" "";
    }
    map "$sent$sent_write" $any_sent {
        volatile;
        default 1;
        "" 0;
    }
    # The final response of the last try: 503 only if no try has sent anything.
    map "$may_retry|$http_x_last_try|$http_x_sent$sent_write" $unreached {
        volatile;
        default 598;
        "~^0\|" 504;
        "~^1\|last\|$" 503;
        "~^1\|last\|." 504;
    }

    # nginx weakens an ETag when it compresses the response, and a weak one never matches If-Match. Services have strong ones
    # only, so a weak one is a strong one that was weakened here.
    map $http_if_match $if_match {
        default $http_if_match;
        '~^W/(?<strong_tag>"[^",]*")$' $strong_tag;
    }

    # The policies of responses that are no pages. The page of the API reference contains the rest of its policy.
    map $uri $own_policy {
        default "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        /docs "frame-ancestors 'none'";
    }
    # Pages have policies of their own. Those that the ingress sends itself, such as errors, do not.
    map "$service|$upstream_http_content_security_policy" $policy {
        volatile;
        default $own_policy;
        "~^storefront\|(?<page_policy>.+)$" $page_policy;
    }
    map "$service|$upstream_http_permissions_policy" $permissions {
        volatile;
        default "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";
        "~^storefront\|(?<page_permissions>.+)$" $page_permissions;
    }
    map "$service|$upstream_http_referrer_policy" $referrer {
        volatile;
        default no-referrer;
        "~^storefront\|(?<page_referrer>.+)$" $page_referrer;
    }
    map $scheme $transport_security {
        default "";
        https "max-age=31536000; includeSubDomains";
    }
{{- define "headers" }}
        add_header Content-Security-Policy $policy always;
        add_header Permissions-Policy $permissions always;
        add_header Referrer-Policy $referrer always;
        add_header Strict-Transport-Security $transport_security always;
        add_header X-Content-Type-Options nosniff always;
{{- end }}
{{- define "forward" }}
            if ($service = "") {
                return 404;
            }
            # Not in the server: the subrequests of the delay would clear it.
            set $sent "";
            proxy_pass http://$service;
            error_page 502 = @wait1;
            error_page 504 = @outcome_unknown$kind;
            error_page 404 = @not_found;
            error_page 413 = @too_large$kind;
            error_page 429 = @too_many$kind;
{{- end }}

    # What a person gets is a page, and a program a problem document.
    map $service $kind {
        default "";
        storefront _page;
    }
{{- define "page" }}<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Ticketing</title>{{ end }}
    map "" $unavailable_page {
        default '{{ template "page" }}<h1>Back in a moment</h1><p>This page cannot be shown right now, and nothing was changed. Please try again in a few seconds.<div lang="de"><h2>Gleich wieder da</h2><p>Diese Seite kann gerade nicht angezeigt werden, und nichts wurde geändert. Bitte versuchen Sie es in einigen Sekunden noch einmal.</div>';
    }
    map "" $outcome_unknown_page {
        default '{{ template "page" }}<h1>No answer</h1><p>We do not know whether what you sent has arrived. Please check before you send it again, for example among your orders.<div lang="de"><h2>Keine Antwort</h2><p>Wir wissen nicht, ob Ihre Eingabe angekommen ist. Bitte sehen Sie nach, bevor Sie sie noch einmal senden, zum Beispiel bei Ihren Bestellungen.</div>';
    }
    map "" $too_large_page {
        default '{{ template "page" }}<h1>Too large</h1><p>What you sent is too large. A picture may have at most 5 MiB. Please go back and choose a smaller one.<div lang="de"><h2>Zu groß</h2><p>Ihre Eingabe ist zu groß. Ein Bild darf höchstens 5 MiB haben. Bitte gehen Sie zurück und wählen Sie ein kleineres.</div>';
    }
    map "" $too_many_page {
        default '{{ template "page" }}<h1>Too many requests</h1><p>Your network has asked for too many pages at the same time. Please try again in a few seconds.<div lang="de"><h2>Zu viele Anfragen</h2><p>Aus Ihrem Netz werden zu viele Seiten gleichzeitig aufgerufen. Bitte versuchen Sie es in einigen Sekunden noch einmal.</div>';
    }
    map "" $unavailable {
        default '{"type":"urn:ticketing:problem:unavailable","title":"Service Unavailable","status":503,"detail":"The service is not available at the moment. Retry later, with the same Idempotency-Key if the request has one."}';
    }
    map "" $outcome_unknown {
        default '{"type":"urn:ticketing:problem:unavailable","title":"Gateway Timeout","status":504,"detail":"The service did not answer, and the outcome of the request is unknown. Check the state of the resource, or repeat the request with its Idempotency-Key."}';
    }

    server {
        listen {{ $retry }};
        access_log off;
        # The public server compresses, and limits bodies.
        gzip off;
        client_max_body_size 6m;

        # The headers as the public server has set them.
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;

        location / {
            proxy_pass http://$service;
            error_page 502 = @unreached$kind;
        }
        location ~ ^/((confirm|reset|change-email|transfers)/|(signin|signin/code|signup)$) {
            error_log stderr crit;
            proxy_pass http://$service;
            error_page 502 = @unreached_secret;
        }
        location /api/v1/transfers/ {
            error_log stderr crit;
            proxy_pass http://$service;
            error_page 502 = @unreached$kind;
        }
        # 598 is internal: the service was not reached, and the request may be retried.
        location @unreached {
            default_type application/problem+json;
            add_header X-Sent $sent_write always;
            add_header Retry-After 2 always;
            if ($unreached = 504) {
                return 504 $outcome_unknown;
            }
            if ($unreached = 503) {
                return 503 $unavailable;
            }
            return 598;
        }
{{- range $name := "page secret" | split " " }}
        location @unreached_{{ $name }} {
{{- if eq $name "secret" }}
            error_log stderr crit;
{{- end }}
            default_type "text/html; charset=utf-8";
            add_header X-Sent $sent_write always;
            add_header Retry-After 2 always;
            if ($unreached = 504) {
                return 504 $outcome_unknown_page;
            }
            if ($unreached = 503) {
                return 503 $unavailable_page;
            }
            return 598;
        }
{{- end }}
    }

    # For Nomad and Prometheus, on a separate port.
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
{{- template "headers" }}
        return 308 https://$host$request_uri;
    }
{{ end }}
    server {
{{- if ne (env "INGRESS_REDIRECT") "true" }}
        listen {{ env "NOMAD_PORT_http" }} default_server;
{{- end }}
{{- if eq (env "INGRESS_TLS") "true" }}
        listen {{ env "NOMAD_PORT_https" }} ssl http2 default_server;
{{- end }}
{{- template "headers" }}
        recursive_error_pages on;
        # At the same time, for each network.
        limit_conn requests {{ env "INGRESS_REQUESTS" }};

        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        # Overwrites the headers of the client, which are not trusted.
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Last-Try $last_try;
        proxy_set_header X-Sent $sent;
        proxy_set_header If-Match $if_match;
        # Those of the services: they are set here, once.
        proxy_hide_header Content-Security-Policy;
        proxy_hide_header Permissions-Policy;
        proxy_hide_header Referrer-Policy;
        proxy_hide_header X-Content-Type-Options;
        proxy_hide_header X-Sent;

        location = /api {
            return 404;
        }
        location /api/ {
{{- template "forward" }}
        }
        # The token of an offer.
        location /api/v1/transfers/ {
            error_log stderr crit;
{{- template "forward" }}
        }
        # The ETag of a listing stays strong.
        location ~ ^/api/v1/tickets/[^/]+$ {
            gzip off;
{{- template "forward" }}
        }
        location ~ ^/api/v1/tickets/[^/]+/image$ {
            client_max_body_size 5m;
{{- template "forward" }}
        }
        location = /api/v1/payments/webhook {
            client_max_body_size 192k;
{{- template "forward" }}
        }

        # The pages about the API of all services together.
        location = /docs {
            alias {{ env "NOMAD_TASK_DIR" }}/pages/docs.html;
            default_type text/html;
        }
        location = /openapi.json {
            alias {{ env "NOMAD_TASK_DIR" }}/pages/openapi.json;
        }
        # Pages for people.
        location / {
{{- template "forward" }}
        }
        location ~ ^/((confirm|reset|change-email|transfers)/|(signin|signin/code|signup)$) {
            # What fails would be logged with path and query, and signing in leads back to such a path.
            error_log stderr crit;
{{- template "forward" }}
        }
        location ~ ^/events/[^/]+/live$ {
            # Events are passed on at once. The storefront sends something every 15 seconds.
            proxy_buffering off;
            proxy_read_timeout 60s;
            # One for each page that is open, in a network that many people may share.
            limit_conn streams 1000;
{{- template "forward" }}
        }
        # A form with a picture of at most 5 MiB.
        location ~ ^/sell/(new|[^/]+/(edit|image))$ {
            client_max_body_size 6m;
{{- template "forward" }}
        }
        # The names of assets change with their content: during an update, only some instances have those of a page.
        location ~ ^/assets/ {
            proxy_next_upstream http_404 error timeout;
{{- template "forward" }}
        }
        error_page 404 = @not_found;
        error_page 413 = @too_large$kind;
        error_page 429 = @too_many$kind;

        set $last_try "";
{{- $waits := "1s 1500ms 2s 2s 3500ms" | split " " }}
{{- range $number, $wait := $waits }}
        # The path may have a secret.
        location @wait{{ add $number 1 }} {
            error_log stderr crit;
{{- if eq $number 0 }}
            if ($may_retry = 0) {
                return 504;
            }
            error_page 504 = @outcome_unknown$kind;
            set $sent $sent_write;
{{- else }}
            set $sent $sent$upstream_http_x_sent;
{{- end }}
            auth_request /-/refused;
            auth_delay {{ $wait }};
            error_page 401 = @retry{{ add $number 1 }};
        }
        location @retry{{ add $number 1 }} {
            error_log stderr crit;
{{- if eq (add $number 1) (len $waits) }}
            # nginx follows at most ten internal redirects, and this is the tenth: the internal server sends the final response.
            set $last_try last;
            proxy_pass http://retry;
{{- else }}
            proxy_pass http://retry;
            proxy_intercept_errors on;
            error_page 598 = @wait{{ add $number 2 }};
            error_page 502 = @unavailable$kind;
            error_page 504 = @outcome_unknown$kind;
{{- end }}
        }
{{- end }}

        # The delay: nginx answers "unauthorized" after auth_delay, and error_page starts the next try.
        location = /-/refused {
            internal;
            return 401;
        }

        location @not_found {
            default_type application/problem+json;
            return 404 '{"type":"urn:ticketing:problem:not-found","title":"Not Found","status":404,"detail":"This path does not exist."}';
        }
        location @too_large {
            default_type application/problem+json;
            return 413 '{"type":"urn:ticketing:problem:payload-too-large","title":"Content Too Large","status":413,"detail":"A request body may have at most 64 KiB, a webhook 192 KiB, a picture 5 MiB."}';
        }
        location @too_many {
            default_type application/problem+json;
{{- template "headers" }}
            add_header Retry-After 2 always;
            return 429 '{"type":"urn:ticketing:problem:too-many-requests","title":"Too Many Requests","status":429,"detail":"Your network has too many requests at the same time. Retry later."}';
        }
        # The connection to the internal server failed: nothing answers for what it had sent.
        location @unavailable {
            default_type application/problem+json;
{{- template "headers" }}
            add_header Retry-After 2 always;
            if ($any_sent) {
                return 504 $outcome_unknown;
            }
            return 503 $unavailable;
        }
        location @outcome_unknown {
            default_type application/problem+json;
{{- template "headers" }}
            add_header Retry-After 2 always;
            return 504 $outcome_unknown;
        }
        location @too_large_page {
            default_type "text/html; charset=utf-8";
            return 413 $too_large_page;
        }
        location @too_many_page {
            default_type "text/html; charset=utf-8";
{{- template "headers" }}
            add_header Retry-After 2 always;
            return 429 $too_many_page;
        }
        location @unavailable_page {
            default_type "text/html; charset=utf-8";
{{- template "headers" }}
            add_header Retry-After 2 always;
            if ($any_sent) {
                return 504 $outcome_unknown_page;
            }
            return 503 $unavailable_page;
        }
        location @outcome_unknown_page {
            default_type "text/html; charset=utf-8";
{{- template "headers" }}
            add_header Retry-After 2 always;
            return 504 $outcome_unknown_page;
        }
    }
}
