# Who somebody is: users, sessions, and the keys by which access tokens are verified. One writer, one database: there is always one instance.
#
#   nomad job run -hcl2-strict=false -var-file=production.vars.hcl -var-file=../dist/release.vars.hcl auth.nomad.hcl

job "ticketing-auth" {
  type        = "service"
  datacenters = var.datacenters

  # The old one ends before the new one begins: both would write to the same file. So no canary, ever.
  update {
    max_parallel      = 1
    canary            = 0
    health_check      = "checks"
    min_healthy_time  = "5s"
    healthy_deadline  = "2m"
    progress_deadline = "5m"
    auto_revert       = true
  }

  group "auth" {
    count = 1

    # In place first, for whatever passes; then anew, for ever, ever more slowly.
    restart {
      attempts = 5
      interval = "2m"
      delay    = "2s"
      mode     = "fail"
    }

    reschedule {
      delay          = "5s"
      delay_function = "exponential"
      max_delay      = "2m"
      unlimited      = true
    }

    # A node that cannot be heard may still be writing. Nothing takes its place by itself: its data are on its disk, and
    # a second writer elsewhere would be a second marketplace. To move it is a person's decision: docs/operating.md.
    disconnect {
      lost_after = "24h"
      replace    = false
      reconcile  = "keep_original"
    }

    network {
      port "http" {
      }
    }

    # Also for raw_exec, which mounts nothing: it runs where its data are, and nowhere else.
    volume "data" {
      type      = "host"
      source    = "ticketing-auth"
      read_only = false
    }

    service {
      name     = "ticketing-auth"
      provider = "consul"
      port     = "http"
      tags     = ["ticketing", "metrics"]

      # Whether requests are sent to it. A database that cannot write passes by itself, and no restart helps it.
      check {
        name     = "ready"
        type     = "http"
        path     = "/health/ready"
        interval = "1s"
        timeout  = "2s"
      }

      # Whether it lives. Only this restarts it, after fifteen times. Consul waits for it, too, before it is healthy: hence
      # every second.
      check {
        name           = "alive"
        type           = "http"
        path           = "/health/live"
        initial_status = "passing"
        interval       = "1s"
        timeout        = "3s"

        check_restart {
          limit = 15
          grace = "30s"
        }
      }
    }

    task "auth" {
      driver = var.driver
      user   = var.user

      # Requests under way end (10 s), the batch in hand is applied and the outbox published (4 s).
      kill_signal  = "SIGTERM"
      kill_timeout = "30s"

      config {
        command      = var.driver == "docker" ? null : "local/ticketing-auth"
        image        = var.driver == "docker" ? "${var.image}" : null
        entrypoint   = var.driver == "docker" ? ["/ticketing-auth"] : null
        network_mode = var.driver == "docker" ? "host" : null
        args         = ["serve"]
      }

      dynamic "artifact" {
        for_each = var.driver == "docker" ? [] : ["ticketing-auth"]
        content {
          source      = "${var.release}/${artifact.value}"
          destination = "local/ticketing-auth"
          mode        = "file"
          options {
            checksum = lookup(var.checksums, artifact.value, "sha256:${format("%064d", 0)}")
          }
        }
      }

      dynamic "volume_mount" {
        for_each = var.driver == "raw_exec" ? [] : ["data"]
        content {
          volume      = volume_mount.value
          destination = "/data"
        }
      }

      env = merge(var.environment, {
        TICKETING_DATABASE             = var.driver == "raw_exec" ? "${var.data}/auth/auth.db" : "/data/auth.db"
        TICKETING_LISTEN               = "${NOMAD_ADDR_http}"
        TICKETING_AMQP_URL_FILE        = "${NOMAD_SECRETS_DIR}/amqp-url"
        TICKETING_AMQP_SERVICE         = "ticketing-rabbitmq"
        TICKETING_CONSUL_URL           = var.consul_url
        TICKETING_ORDER_WINDOW_SECONDS = var.order_window_seconds
        TICKETING_LOG                  = var.log
        TICKETING_LOG_FORMAT           = "json"
        TICKETING_COOKIE_SECURE        = var.cookie_secure
        TICKETING_PASSWORD_HASHERS     = var.password_hashers
        TICKETING_TRUSTED_PROXIES      = join(",", var.trusted_proxies)
      }, length(var.allowed_origins) == 0 ? {} : { TICKETING_ALLOWED_ORIGINS = join(",", var.allowed_origins) })

      # Secrets are files that this job alone can read. Only a new secret restarts it: that a peer has moved is heard
      # from Consul while it runs.
      template {
        destination = "secrets/amqp-url"
        data        = "{{ with nomadVar \"nomad/jobs/ticketing-auth\" }}amqp://auth:{{ .amqp_password }}@rabbitmq/%2f{{ end }}"
        perms       = "0400"
        uid         = 65534
        gid         = 65534
        change_mode = "restart"
      }

      resources {
        cpu        = 300
        memory     = 48 + 20 * var.password_hashers
        memory_max = 128 + 20 * var.password_hashers
      }

      logs {
        max_files     = 5
        max_file_size = 20
      }
    }
  }
}

variable "password_hashers" {
  description = "Passwords that are hashed at the same time. Each takes 19 MiB meanwhile, of the memory that the job has."
  type        = number
  default     = 4

  validation {
    condition     = var.password_hashers >= 1 && var.password_hashers <= 64
    error_message = "Must be 1 to 64."
  }
}

variable "cookie_secure" {
  description = "Whether browsers send the session cookies over TLS only."
  type        = bool
  default     = true
}

variable "trusted_proxies" {
  description = "Networks of the ingress, whose X-Forwarded-For is believed: failed attempts to sign in are counted by address."
  type        = list(string)
  default     = ["127.0.0.0/8"]

  validation {
    condition     = !contains([for network in var.trusted_proxies : can(cidrhost(network, 0))], false)
    error_message = "Each must be a network such as 10.0.0.0/8."
  }
}

# From here on the same in all five services: scripts/check-nomad compares them.

variable "datacenters" {
  description = "Where it may run."
  type        = list(string)
  default     = ["*"]
}

variable "driver" {
  description = "exec: isolated, as an unprivileged user. raw_exec: where a node cannot isolate. docker: from an image."
  type        = string
  default     = "exec"

  validation {
    condition     = contains(["exec", "raw_exec", "docker"], var.driver)
    error_message = "Must be exec, raw_exec or docker."
  }
}

variable "user" {
  description = "As whom it runs. The volume must be this user's, and secrets are readable by user id 65534 alone."
  type        = string
  default     = "nobody"
}

variable "release" {
  description = "The folder of the release, from which nodes fetch the binaries; not for docker."
  type        = string
  default     = "https://releases.example/ticketing"

  validation {
    condition     = var.release != "" && regex_replace(var.release, "^https?://[^?#]+[^/?#]$", "") == ""
    error_message = "Must be an address without a slash at its end."
  }
}

variable "checksums" {
  description = "What the files of the release must be: sha256:…, by their names. `just release-binaries` writes them."
  type        = map(string)
  default     = {}

  validation {
    condition     = !contains([for sum in values(var.checksums) : sum != "" && regex_replace(sum, "^sha256:[0-9a-f]{64}$", "") == ""], false)
    error_message = "Each must be sha256: and 64 hexadecimal digits."
  }
}

variable "image" {
  description = "The image with all binaries, by its digest; for docker alone."
  type        = string
  default     = "registry.example/ticketing:latest"
}

variable "data" {
  description = "The folder under which each service has its own; for raw_exec, which mounts no volume: the path of the host volume is this and the name."
  type        = string
  default     = "/srv/ticketing"

  validation {
    condition     = var.data != "" && regex_replace(var.data, "^/[^ ]*[^/ ]$", "") == ""
    error_message = "Must be an absolute path without a slash at its end."
  }
}

variable "consul_url" {
  description = "The Consul agent on each node."
  type        = string
  default     = "http://127.0.0.1:8500"

  validation {
    condition     = var.consul_url != "" && regex_replace(var.consul_url, "^http://[^/?#@]+$", "") == ""
    error_message = "Must be an address such as http://127.0.0.1:8500."
  }
}

variable "order_window_seconds" {
  description = "Within which time an order is to be paid, unless its listing says otherwise. The same for all services."
  type        = number
  default     = 900

  validation {
    condition     = var.order_window_seconds >= 10 && var.order_window_seconds <= 86400
    error_message = "Must be 10 to 86400."
  }
}

variable "allowed_origins" {
  description = "Origins of pages elsewhere that may write with the session cookie."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains([for origin in var.allowed_origins : origin != "" && regex_replace(origin, "^https?://[^/?#@]+$", "") == ""], false)
    error_message = "Each must be an origin such as https://shop.example."
  }
}

variable "log" {
  description = "What is logged: a level, or a list such as info,order=debug."
  type        = string
  default     = "info"
}

variable "environment" {
  description = "Further settings, by their variables: every flag has one, see `ticketing-<service> serve --help`."
  type        = map(string)
  default     = {}
}
