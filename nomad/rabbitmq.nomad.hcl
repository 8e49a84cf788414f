# The broker, as a single node. docs/scaling.md describes a cluster of three.
#
#   nomad job run -hcl2-strict=false -var-file=production.vars.hcl rabbitmq.nomad.hcl

locals {
  # Generated from the code (`just specs`), with the default order window as the longest delay.
  definitions = jsondecode(replace(file("rabbitmq/definitions.json"), "900000", format("%d", 1000 * var.order_window_seconds)))

  tls_listener = <<-CONF
    listeners.tcp = none
    listeners.ssl.1 = {{ env "NOMAD_ADDR_amqp" }}
    ssl_options.certfile = {{ env "NOMAD_SECRETS_DIR" }}/tls_certificate
    ssl_options.keyfile = {{ env "NOMAD_SECRETS_DIR" }}/tls_key
    ssl_options.versions.1 = tlsv1.3
    ssl_options.versions.2 = tlsv1.2
  CONF

  permissions = {
    own = local.definitions.permissions
    all = [for each in local.definitions.permissions : merge(each, { configure = ".*", write = ".*", read = ".*" })]
  }
  # To bind a queue by a routing key needs `read` of that key.
  topic_permissions = {
    own = local.definitions.topic_permissions
    all = [for each in local.definitions.topic_permissions : merge(each, { write = ".*", read = ".*" })]
  }
}

job "ticketing-rabbitmq" {
  type        = "service"
  datacenters = var.datacenters

  update {
    max_parallel      = 1
    canary            = 0
    health_check      = "checks"
    min_healthy_time  = "5s"
    healthy_deadline  = "3m"
    progress_deadline = "5m"
    auto_revert       = true
  }

  group "rabbitmq" {
    count = 1

    restart {
      attempts = 5
      interval = "5m"
      delay    = "5s"
      mode     = "fail"
    }

    reschedule {
      delay          = "10s"
      delay_function = "exponential"
      max_delay      = "2m"
      unlimited      = true
    }

    # Its queues are on the disk of its node, so it is not replaced automatically.
    disconnect {
      lost_after = "24h"
      replace    = false
      reconcile  = "keep_original"
    }

    network {
      port "amqp" {
      }
      port "metrics" {
      }
      # For the tools of Erlang, on the loopback.
      port "epmd" {
      }
      port "dist" {
      }
    }

    # Also for raw_exec, which mounts no volumes: it places the job on the node that has its data.
    volume "data" {
      type      = "host"
      source    = "ticketing-rabbitmq"
      read_only = false
    }

    service {
      name     = "ticketing-rabbitmq"
      provider = "consul"
      port     = "amqp"
      tags     = ["ticketing"]

      check {
        name     = "alive"
        type     = "tcp"
        interval = "2s"
        timeout  = "2s"

        check_restart {
          limit = 10
          grace = "2m"
        }
      }
    }

    service {
      name     = "ticketing-rabbitmq-metrics"
      provider = "consul"
      port     = "metrics"
      tags     = ["ticketing", "metrics"]

      check {
        name     = "answers"
        type     = "http"
        path     = "/metrics"
        interval = "30s"
        timeout  = "5s"
      }
    }

    task "rabbitmq" {
      driver = var.broker_driver
      user   = var.broker_user

      kill_signal  = "SIGTERM"
      kill_timeout = "30s"

      config {
        command      = var.broker_driver == "docker" ? null : var.broker_program
        image        = var.broker_driver == "docker" ? var.broker_image : null
        network_mode = var.broker_driver == "docker" ? "host" : null
      }

      dynamic "volume_mount" {
        for_each = var.broker_driver == "docker" ? ["data"] : []
        content {
          volume      = volume_mount.value
          destination = "/var/lib/rabbitmq"
        }
      }

      env {
        HOME                                = var.broker_driver == "docker" ? "/var/lib/rabbitmq" : "${var.data}/rabbitmq"
        RABBITMQ_MNESIA_BASE                = var.broker_driver == "docker" ? "/var/lib/rabbitmq/mnesia" : "${var.data}/rabbitmq/mnesia"
        RABBITMQ_LOGS                       = "-"
        RABBITMQ_NODENAME                   = "ticketing@localhost"
        RABBITMQ_DIST_PORT                  = "${NOMAD_PORT_dist}"
        RABBITMQ_CONF_ENV_FILE              = "${NOMAD_TASK_DIR}/none"
        RABBITMQ_CONFIG_FILE                = "${NOMAD_TASK_DIR}/rabbitmq.conf"
        RABBITMQ_ADVANCED_CONFIG_FILE       = "${NOMAD_TASK_DIR}/none"
        RABBITMQ_ENABLED_PLUGINS_FILE       = "${NOMAD_TASK_DIR}/enabled_plugins"
        RABBITMQ_PID_FILE                   = "${NOMAD_TASK_DIR}/pid"
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS = "-kernel inet_dist_use_interface {127,0,0,1}"
        RABBITMQ_CTL_ERL_ARGS               = "-kernel inet_dist_use_interface {127,0,0,1}"
        ERL_EPMD_ADDRESS                    = "127.0.0.1"
        ERL_EPMD_PORT                       = "${NOMAD_PORT_epmd}"
        ERL_CRASH_DUMP_SECONDS              = "0"
      }

      template {
        destination = "local/rabbitmq.conf"
        change_mode = "restart"
        data        = <<-CONF
        ${var.broker_tls ? local.tls_listener : "listeners.tcp.1 = {{ env \"NOMAD_ADDR_amqp\" }}"}
        prometheus.tcp.ip = {{ env "NOMAD_IP_metrics" }}
        prometheus.tcp.port = {{ env "NOMAD_PORT_metrics" }}
        load_definitions = {{ env "NOMAD_SECRETS_DIR" }}/definitions.json
        vm_memory_high_watermark.absolute = ${var.broker_memory * 3 / 4}MB
        disk_free_limit.absolute = ${var.broker_memory}MB
        # Quorum queues keep their write-ahead log in memory until it rolls over. Then it is written to their files at once, and
        # commits of the services on this disk wait meanwhile: 16 MiB, not 512.
        raft.wal_max_size_bytes = 16777216
        # The connection of a client without heartbeats is closed.
        heartbeat = 10
        CONF
      }

      template {
        destination = "local/enabled_plugins"
        change_mode = "restart"
        data        = "[rabbitmq_prometheus].\n"
      }

      # Each service has its own user, with the permissions that it needs (docs/adr/0046-a-user-per-service.md). Definitions
      # are loaded at each start, so a new password needs a restart, during which events wait in the outboxes.
      template {
        destination = "secrets/definitions.json"
        perms       = var.broker_uid == null ? "0444" : "0400"
        uid         = var.broker_uid
        gid         = var.broker_uid == null ? null : 0
        change_mode = "restart"
        data        = <<-JSON
        {{ with nomadVar "nomad/jobs/ticketing-rabbitmq" -}}
        {
          "vhosts": [{"name": "/"}],
          "users": [
            {"name": "auth", "password": {{ .auth_password.Value | toJSON }}, "tags": ""},
            {"name": "ticket", "password": {{ .ticket_password.Value | toJSON }}, "tags": ""},
            {"name": "order", "password": {{ .order_password.Value | toJSON }}, "tags": ""},
            {"name": "expiration", "password": {{ .expiration_password.Value | toJSON }}, "tags": ""},
            {"name": "payment", "password": {{ .payment_password.Value | toJSON }}, "tags": ""},
            {"name": "notification", "password": {{ .notification_password.Value | toJSON }}, "tags": ""}
          ],
          "permissions": ${jsonencode(local.permissions[var.broker_permissions])},
          "topic_permissions": ${jsonencode(local.topic_permissions[var.broker_permissions])},
          "exchanges": ${jsonencode(local.definitions.exchanges)},
          "queues": ${jsonencode(local.definitions.queues)},
          "bindings": ${jsonencode(local.definitions.bindings)}
        }
        {{- end }}
        JSON
      }

      # A new certificate restarts the broker, during which events wait in the outboxes.
      dynamic "template" {
        for_each = var.broker_tls ? ["tls_certificate", "tls_key"] : []
        content {
          destination = "secrets/${template.value}"
          perms       = var.broker_uid == null ? "0444" : "0400"
          uid         = var.broker_uid
          gid         = var.broker_uid == null ? null : 0
          change_mode = "restart"
          data        = "{{ with nomadVar \"nomad/jobs/ticketing-rabbitmq\" }}{{ .${template.value} }}{{ end }}\n"
        }
      }

      resources {
        cpu    = 500
        memory = var.broker_memory
      }

      logs {
        max_files     = 5
        max_file_size = 20
      }
    }
  }
}

variable "datacenters" {
  description = "Datacenters in which it may run."
  type        = list(string)
  default     = ["*"]
}

variable "broker_driver" {
  description = "raw_exec: the RabbitMQ package of the node. docker: from an image."
  type        = string
  default     = "raw_exec"

  validation {
    condition     = contains(["raw_exec", "docker"], var.broker_driver)
    error_message = "Must be raw_exec or docker."
  }
}

variable "broker_user" {
  description = "The user that it runs as. The folder or the volume must belong to this user."
  type        = string
  default     = "rabbitmq"
}

variable "broker_uid" {
  description = "The id of this user on the node (id -u rabbitmq), which alone may read the passwords of all services then. Without it, every user of the node may who finds the file; with docker, the tasks of the node cannot."
  type        = number
  default     = null
}

variable "broker_program" {
  description = "The path of the server on the node, for raw_exec. (Debian's wrapper on PATH requires its own folders.)"
  type        = string
  default     = "/usr/lib/rabbitmq/bin/rabbitmq-server"
}

variable "broker_image" {
  description = "The RabbitMQ image, by its digest; for docker."
  type        = string
  default     = "docker.io/library/rabbitmq:4-alpine"
}

variable "broker_tls" {
  description = "Whether it speaks TLS, and nothing else, with tls_certificate and tls_key of its Nomad Variable. The services need the same value."
  type        = bool
  default     = false
}

variable "broker_permissions" {
  description = "own: each service's user may use what belongs to it. all: everything, while services of release 0.1 run."
  type        = string
  default     = "own"

  validation {
    condition     = contains(["own", "all"], var.broker_permissions)
    error_message = "Must be own or all."
  }
}

variable "order_window_seconds" {
  description = "The time within which an order must be paid, as for the services: the longest delay of a timer."
  type        = number
  default     = 900

  validation {
    condition     = var.order_window_seconds >= 10 && var.order_window_seconds <= 86400
    error_message = "Must be 10 to 86400."
  }
}

variable "broker_memory" {
  description = "MiB for the broker. At three quarters of it, publishers are blocked."
  type        = number
  default     = 768

  validation {
    condition     = var.broker_memory >= 512
    error_message = "Must be at least 512."
  }
}

variable "data" {
  description = "The folder that contains the folder of each service; for raw_exec, which mounts no volume. The path of a host volume is this folder and the name of the service."
  type        = string
  default     = "/srv/ticketing"

  validation {
    condition     = var.data != "" && regex_replace(var.data, "^/[^ ]*[^/ ]$", "") == ""
    error_message = "Must be an absolute path without a slash at its end."
  }
}
