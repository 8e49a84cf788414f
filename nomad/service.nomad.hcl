# One of the services. Its database has one writer, so there is always exactly one instance. Litestream runs next
# to it and replicates the database.
#
#   nomad job run -hcl2-strict=false -var-file=production.vars.hcl -var-file=../dist/release.vars.hcl -var=service=order service.nomad.hcl

variable "service" {
  description = "The service: one of the names in local.services below."
  type        = string
}

# The services, with the settings and resources that differ between them. `secrets` are files: name and template. `uid` is
# the id of the system user and of its group on every node (packaging/systemd/sysusers.conf): a replica or a database that
# moves to another node keeps its owner.
locals {
  services = {
    auth = {
      uid        = 61001
      cpu        = 200
      memory     = 48 + 20 * var.password_hashers
      memory_max = 128 + 20 * var.password_hashers
      secrets    = { encryption-key = "{{ .encryption_key }}", mail-key = "{{ .mail_key }}" }
      env = {
        TICKETING_COOKIE_SECURE       = var.cookie_secure
        TICKETING_PASSWORD_HASHERS    = var.password_hashers
        TICKETING_ENCRYPTION_KEY_FILE = "$${NOMAD_SECRETS_DIR}/encryption-key"
        TICKETING_MAIL_KEY_FILE       = "$${NOMAD_SECRETS_DIR}/mail-key"
      }
    }
    ticket = {
      uid    = 61002
      cpu    = 200
      memory = 48
      # While it converts the largest picture that sellers may upload.
      memory_max = 512
      secrets    = { admission-key = "{{ .admission_key }}" }
      env = {
        TICKETING_MAX_TICKETS_PER_ORDER = var.max_tickets_per_order
        TICKETING_ADMISSION_KEY_FILE    = "$${NOMAD_SECRETS_DIR}/admission-key"
      }
    }
    order = {
      uid        = 61003
      cpu        = 300
      memory     = 48
      memory_max = 192
      secrets    = {}
      env = {
        TICKETING_MAX_TICKETS_PER_ORDER = var.max_tickets_per_order
        TICKETING_ORDER_WINDOW_SECONDS  = var.order_window_seconds
      }
    }
    expiration = {
      uid        = 61004
      cpu        = 100
      memory     = 48
      memory_max = 192
      secrets    = {}
      env        = { TICKETING_ORDER_WINDOW_SECONDS = var.order_window_seconds }
    }
    payment = {
      uid        = 61005
      cpu        = 200
      memory     = 48
      memory_max = 192
      secrets = merge({ stripe-secret-key = "{{ .stripe_secret_key }}" },
      var.stripe_webhooks ? { stripe-webhook-secret = "{{ .stripe_webhook_secret }}" } : {})
      env = merge({
        TICKETING_STRIPE_URL                = var.stripe_url
        TICKETING_STRIPE_SECRET_KEY_FILE    = "$${NOMAD_SECRETS_DIR}/stripe-secret-key"
        TICKETING_PLATFORM_FEE_BASIS_POINTS = var.platform_fee_basis_points
        }, var.stripe_webhooks ? {
        TICKETING_STRIPE_WEBHOOK_SECRET_FILE = "$${NOMAD_SECRETS_DIR}/stripe-webhook-secret"
        } : {}, var.stripe_publishable_key == "" ? {} : {
        TICKETING_STRIPE_PUBLISHABLE_KEY = var.stripe_publishable_key
      })
    }
    notification = {
      uid        = 61007
      cpu        = 100
      memory     = 64
      memory_max = 192
      secrets = merge({ mail-key = "{{ .mail_key }}", admission-key = "{{ .admission_key }}" },
      var.smtp ? { smtp-url = "{{ .smtp_url }}" } : {})
      env = merge({
        TICKETING_MAIL_KEY_FILE      = "$${NOMAD_SECRETS_DIR}/mail-key"
        TICKETING_ADMISSION_KEY_FILE = "$${NOMAD_SECRETS_DIR}/admission-key"
        TICKETING_PUBLIC_URL         = var.public_url
        TICKETING_MAIL_FROM          = var.mail_from
        }, var.smtp ? {
        TICKETING_SMTP_URL_FILE = "$${NOMAD_SECRETS_DIR}/smtp-url"
      } : {})
    }
  }
  this = local.services[var.service]

  uid  = var.system_users == "own" ? local.this.uid : 65534
  name = var.system_users == "own" ? "ticketing-${var.service}" : "nobody"
  # An image needs no such name.
  user = var.driver == "docker" ? "${local.uid}:${local.uid}" : local.name

  # The CAs of encrypted connections; without them, those of the node are trusted.
  ca = var.ca_certificates == "" ? {} : merge(
    var.broker_tls ? { TICKETING_AMQP_CA_FILE = "$${NOMAD_TASK_DIR}/ca.pem" } : {},
    regex_replace(var.consul_url, "^https:.*", "") == "" ? { TICKETING_CONSUL_CA_FILE = "$${NOMAD_TASK_DIR}/ca.pem" } : {},
  )

  # raw_exec mounts no volumes and uses the folders of the node directly.
  mounts = { for volume, path in { data = "/data", backup = "/backup" } : volume => path
  if var.driver != "raw_exec" && (volume != "backup" || local.folder) }
  database = "${var.driver == "raw_exec" ? "${var.data}/${var.service}" : "/data"}/${var.service}.db"
  replica  = var.driver == "raw_exec" ? "${var.backup_folder}/${var.service}" : "/backup"
  folder   = var.backup == "file"
  program  = "ticketing-${var.service}"
  programs = var.driver == "docker" ? "/" : "$${NOMAD_TASK_DIR}/"

  # Writes are replicated within 0.4 s. Restorable are any point in time of the last five minutes, and of the last days
  # one every half minute. https://litestream.io/reference/config
  litestream = <<-YAML
    addr: {{ env "NOMAD_ADDR_litestream" }}
    logging:
      type: json
    snapshot:
      interval: 6h
      retention: ${var.backup_retention_hours}h
    dbs:
      - path: ${local.database}
        monitor-interval: 200ms
        # Never: it locks out the writer while any read transaction lasts. The service shortens the log by itself.
        truncate-page-n: -1
        replica:
          type: ${var.backup}
          sync-interval: 200ms
    ${local.folder ? local.into_folder : local.into_bucket}
    YAML

  into_folder = "      path: ${local.replica}"
  into_bucket = <<-YAML
          bucket: ${var.backup_bucket}
          path: ${var.service}
          region: ${var.backup_region}
          endpoint: "${var.backup_endpoint}"
          force-path-style: ${var.backup_path_style}
    {{- with nomadVar "nomad/jobs/ticketing-${var.service}" }}
          access-key-id: {{ .backup_access_key_id }}
          secret-access-key: {{ .backup_secret_access_key }}
    {{- end }}
    YAML
}

job "service" {
  id          = "ticketing-${var.service}"
  name        = "ticketing-${var.service}"
  type        = "service"
  datacenters = var.datacenters

  # The old instance ends before the new one starts, because both would write to the same file. So there is no canary.
  update {
    max_parallel     = 1
    canary           = 0
    health_check     = "checks"
    min_healthy_time = "5s"
    healthy_deadline = var.healthy_deadline
    auto_revert      = true

    # The first failed allocation reverts to the previous version, because the service is down meanwhile.
    progress_deadline = "0"
  }

  dynamic "group" {
    for_each = [var.service]
    labels   = [group.value]

    content {
      count = 1

      # Restarts in place first, for transient failures; then reschedules without limit, with growing delays.
      restart {
        attempts = 2
        interval = "1m"
        delay    = "2s"
        mode     = "fail"
      }

      reschedule {
        delay          = "5s"
        delay_function = "exponential"
        max_delay      = "2m"
        unlimited      = true
      }

      # An unreachable node may still be writing, and a second writer elsewhere would be a second marketplace. So the
      # allocation is not replaced automatically. An operator decides to move it: README.md.
      disconnect {
        lost_after = "24h"
        replace    = false
        reconcile  = "keep_original"
      }

      network {
        port "http" {
        }
        port "litestream" {
        }
      }

      # Also for raw_exec, which mounts no volumes: it places the job on the node that has its data.
      volume "data" {
        type      = "host"
        source    = "ticketing-${var.service}"
        read_only = false
      }

      dynamic "volume" {
        for_each = local.folder ? ["backup"] : []
        labels   = [volume.value]
        content {
          type      = "host"
          source    = "ticketing-${var.service}-backup"
          read_only = false
        }
      }

      service {
        name     = "ticketing-${var.service}"
        provider = "consul"
        port     = "http"
        tags     = ["ticketing", "metrics"]

        # Decides whether it receives requests. It does not restart the service, which would not help a database that
        # cannot be written.
        check {
          name     = "ready"
          type     = "http"
          path     = "/health/ready"
          interval = "1s"
          timeout  = "2s"
        }

        # Only this check restarts the service, after 15 failures. The service is not healthy before it has passed, hence
        # the short interval.
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

      service {
        name     = "ticketing-${var.service}-litestream"
        provider = "consul"
        port     = "litestream"
        tags     = ["ticketing", "metrics"]
      }

      # At the start of an allocation, restores the replica if there is no database (service/restore.sh).
      dynamic "task" {
        for_each = ["restore", "litestream"]
        labels   = [task.value]

        content {
          driver = var.driver
          user   = local.user

          # Nomad stops a sidecar after the service, so the last write is replicated as well.
          lifecycle {
            hook    = task.value == "restore" ? "prestart" : "poststart"
            sidecar = task.value != "restore"
          }

          # A replica that cannot be written does not stop the service; an alert reports it.
          restart {
            attempts = 3
            interval = "1m"
            delay    = "2s"
            mode     = task.value == "restore" ? "fail" : "delay"
          }

          kill_signal  = "SIGTERM"
          kill_timeout = "20s"

          config {
            command      = var.driver == "docker" ? null : "/bin/sh"
            image        = var.driver == "docker" ? var.image : null
            entrypoint   = var.driver == "docker" ? ["/bin/sh"] : null
            network_mode = var.driver == "docker" ? "host" : null
            args         = ["local/${task.value}.sh"]
          }

          dynamic "artifact" {
            for_each = var.driver == "docker" ? [] : ["litestream"]
            content {
              source      = "${var.release}/${artifact.value}"
              destination = "local/litestream"
              mode        = "file"
              chown       = true
              options {
                checksum = lookup(var.checksums, artifact.value, "sha256:${format("%064d", 0)}")
              }
            }
          }

          dynamic "volume_mount" {
            for_each = local.mounts
            content {
              volume      = volume_mount.key
              destination = volume_mount.value
            }
          }

          env {
            DATABASE   = local.database
            REPLICA    = local.folder ? local.replica : ""
            LITESTREAM = "${local.programs}litestream"
            RESTORE_TO = var.restore_to
          }

          template {
            destination = "local/${task.value}.sh"
            data        = file("service/${task.value}.sh")
          }

          # For S3 it contains keys, so only this user can read it.
          template {
            destination = "secrets/litestream.yml"
            data        = local.litestream
            perms       = "0400"
            uid         = local.uid
            gid         = local.uid
            change_mode = "restart"
          }

          resources {
            cpu        = 100
            memory     = 64
            memory_max = 256
          }

          logs {
            max_files     = 3
            max_file_size = 10
          }
        }
      }

      dynamic "task" {
        for_each = [var.service]
        labels   = [task.value]

        content {
          driver = var.driver
          user   = local.user

          # Time until the ingress has noticed (2 s), to finish running requests (10 s), to apply the current batch and to
          # publish the outbox (4 s). There is no shutdown_delay: the service itself serves until the ingress has noticed.
          kill_signal  = "SIGTERM"
          kill_timeout = "35s"

          config {
            command      = var.driver == "docker" ? null : "/bin/sh"
            image        = var.driver == "docker" ? var.image : null
            entrypoint   = var.driver == "docker" ? ["/bin/sh"] : null
            network_mode = var.driver == "docker" ? "host" : null
            args         = ["local/serve.sh"]
          }

          dynamic "artifact" {
            for_each = var.driver == "docker" ? [] : [local.program]
            content {
              source      = "${var.release}/${artifact.value}"
              destination = "local/${artifact.value}"
              mode        = "file"
              chown       = true
              options {
                checksum = lookup(var.checksums, artifact.value, "sha256:${format("%064d", 0)}")
              }
            }
          }

          dynamic "volume_mount" {
            for_each = { for volume, path in local.mounts : volume => path if volume == "data" }
            content {
              volume      = volume_mount.key
              destination = volume_mount.value
            }
          }

          env = merge(var.environment, {
            PROGRAM                   = "${local.programs}${local.program}"
            TICKETING_DATABASE        = local.database
            TICKETING_LISTEN          = "${NOMAD_ADDR_http}"
            TICKETING_TRUSTED_PROXIES = join(",", concat(var.trusted_proxies, var.storefront_addresses))
            TICKETING_AMQP_URL_FILE   = "${NOMAD_SECRETS_DIR}/amqp-url"
            TICKETING_AMQP_SERVICE    = "ticketing-rabbitmq"
            TICKETING_BROKER_TOPOLOGY = "existing"
            TICKETING_CONSUL_URL      = var.consul_url
            TICKETING_LOG             = var.log
            TICKETING_LOG_FORMAT      = "json"
          }, local.this.env, local.ca, length(var.allowed_origins) == 0 ? {} : { TICKETING_ALLOWED_ORIGINS = join(",", var.allowed_origins) })

          template {
            destination = "local/serve.sh"
            data        = file("service/serve.sh")
          }

          dynamic "template" {
            for_each = var.ca_certificates == "" ? [] : ["ca.pem"]
            content {
              destination = "local/${template.value}"
              data        = var.ca_certificates
            }
          }

          # Secrets are files that only this job can read. A new secret restarts it; a new address of a peer does not,
          # because the service watches Consul.
          dynamic "template" {
            for_each = merge(local.this.secrets, {
              amqp-url = "${var.broker_tls ? "amqps" : "amqp"}://${var.service}:{{ .amqp_password }}@${var.broker_name}/%2f"
            })
            content {
              destination = "secrets/${template.key}"
              data        = "{{ with nomadVar \"nomad/jobs/ticketing-${var.service}\" }}${template.value}{{ end }}"
              perms       = "0400"
              uid         = local.uid
              gid         = local.uid
              change_mode = "restart"
            }
          }

          resources {
            cpu        = local.this.cpu
            memory     = local.this.memory
            memory_max = local.this.memory_max
          }

          logs {
            max_files     = 5
            max_file_size = 20
          }
        }
      }
    }
  }
}

variable "datacenters" {
  description = "Datacenters in which it may run."
  type        = list(string)
  default     = ["*"]
}

variable "driver" {
  description = "exec: isolated, as an unprivileged user. raw_exec: for nodes that cannot isolate. docker: from an image."
  type        = string
  default     = "exec"

  validation {
    condition     = contains(["exec", "raw_exec", "docker"], var.driver)
    error_message = "Must be exec, raw_exec or docker."
  }
}

variable "system_users" {
  description = "own: each service runs as its own system user, ticketing-<service>, to which its folders belong. shared: all run as nobody, until the folders of release 0.1 have their new owners."
  type        = string
  default     = "own"

  validation {
    condition     = contains(["own", "shared"], var.system_users)
    error_message = "Must be own or shared."
  }
}

variable "release" {
  description = "The URL of the release folder, from which nodes download the binaries; not for docker."
  type        = string
  default     = "https://releases.example/ticketing"

  validation {
    condition     = var.release != "" && regex_replace(var.release, "^https?://[^?#]+[^/?#]$", "") == ""
    error_message = "Must be a URL without a slash at its end."
  }
}

variable "checksums" {
  description = "Checksums (sha256:…) of the release files by name. `just release-binaries` writes them."
  type        = map(string)
  default     = {}

  validation {
    condition     = !contains([for sum in values(var.checksums) : sum != "" && regex_replace(sum, "^sha256:[0-9a-f]{64}$", "") == ""], false)
    error_message = "Each must be sha256: and 64 hexadecimal digits."
  }
}

variable "image" {
  description = "The image with all binaries, by its digest; for docker only."
  type        = string
  default     = "registry.example/ticketing:latest"
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

variable "consul_url" {
  description = "The URL of the Consul agent on each node."
  type        = string
  default     = "http://127.0.0.1:8500"

  validation {
    condition     = var.consul_url != "" && regex_replace(var.consul_url, "^https?://[^/?#@]+$", "") == ""
    error_message = "Must be a URL such as http://127.0.0.1:8500 or https://localhost:8501."
  }
}

variable "ca_certificates" {
  description = "Certificates in PEM format of the CAs that sign those of the broker and of Consul, for TLS. Empty: the node's."
  type        = string
  default     = ""
}

variable "broker_tls" {
  description = "Whether the broker speaks TLS, and nothing else. Its certificate contains broker_name."
  type        = bool
  default     = false
}

variable "broker_name" {
  description = "The name of the broker in its certificate. Its address comes from Consul."
  type        = string
  default     = "rabbitmq"

  validation {
    condition     = var.broker_name != "" && regex_replace(var.broker_name, "^[a-z0-9][a-z0-9.-]*$", "") == ""
    error_message = "Must be a host name."
  }
}

variable "order_window_seconds" {
  description = "The time within which an order must be paid, unless its listing has its own. Order and expiration need the same value."
  type        = number
  default     = 900

  validation {
    condition     = var.order_window_seconds >= 10 && var.order_window_seconds <= 86400
    error_message = "Must be 10 to 86400."
  }
}

variable "allowed_origins" {
  description = "Origins of other pages that may read and write (CORS), also with the session cookie."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains([for origin in var.allowed_origins : origin != "" && regex_replace(origin, "^https?://[^/?#@]+$", "") == ""], false)
    error_message = "Each must be an origin such as https://shop.example."
  }
}

variable "log" {
  description = "The log filter: a level, or a list such as info,order=debug."
  type        = string
  default     = "info"
}

variable "environment" {
  description = "Further settings by environment variable. Every flag has one: see `ticketing-<service> serve --help`."
  type        = map(string)
  default     = {}
}

variable "healthy_deadline" {
  description = "The time after which a new version that is not healthy is reverted."
  type        = string
  default     = "2m"
}

variable "max_tickets_per_order" {
  description = "The maximum number of tickets of an order, and of a buyer in all orders of a listing without its own limit."
  type        = number
  default     = 10

  validation {
    condition     = var.max_tickets_per_order >= 1 && var.max_tickets_per_order <= 1000000
    error_message = "Must be 1 to 1000000."
  }
}

variable "password_hashers" {
  description = "The number of passwords that are hashed concurrently. Each hash needs 19 MiB of the memory of the job."
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
  description = "The addresses from which the nodes of the ingress connect; a network where they change. Their X-Forwarded-For is trusted: clients are counted by address. Without the right addresses all clients have that of the ingress."
  type        = list(string)

  validation {
    condition     = length(var.trusted_proxies) > 0 && !contains([for proxy in var.trusted_proxies : can(cidrhost(proxy, 0)) ? regex_replace(proxy, "^.*/0$", "") != "" : can(cidrhost("${proxy}/32", 0)) || can(cidrhost("${proxy}/128", 0))], false)
    error_message = "Must name at least one address such as 10.0.0.5, or a network such as 10.0.0.0/28; not all addresses."
  }
}

variable "storefront_addresses" {
  description = "The addresses of the nodes on which the storefront may run, or their network. It states the address of its client as the ingress does, and is trusted in the same way. Without the right addresses all people have that of the storefront."
  type        = list(string)

  validation {
    condition     = length(var.storefront_addresses) > 0 && !contains([for address in var.storefront_addresses : can(cidrhost(address, 0)) ? regex_replace(address, "^.*/0$", "") != "" : can(cidrhost("${address}/32", 0)) || can(cidrhost("${address}/128", 0))], false)
    error_message = "Must name at least one address such as 10.0.0.7, or a network such as 10.0.0.0/28; not all addresses."
  }
}

variable "stripe_url" {
  description = "The URL of Stripe's API; for the simulator (stripe-sim.nomad.hcl) in a test cluster: http://127.0.0.1:12111/"
  type        = string
  default     = "https://api.stripe.com/"

  validation {
    condition     = var.stripe_url != "" && regex_replace(var.stripe_url, "^https?://[^/?#@]+/$", "") == ""
    error_message = "Must be a URL such as https://api.stripe.com/."
  }
}

variable "stripe_webhooks" {
  description = "Whether Stripe sends webhooks, signed with stripe_webhook_secret of the Nomad variable."
  type        = bool
  default     = false
}

variable "stripe_publishable_key" {
  description = "Stripe's publishable key, for payments in browsers; of the same mode as the secret key."
  type        = string
  default     = ""
}

variable "platform_fee_basis_points" {
  description = "The platform fee in hundredths of a percent: 250 is 2.5 %. It applies to later captures."
  type        = number
  default     = 0

  validation {
    condition     = var.platform_fee_basis_points >= 0 && var.platform_fee_basis_points <= 10000 && floor(var.platform_fee_basis_points) == var.platform_fee_basis_points
    error_message = "Must be a whole number from 0 to 10000."
  }
}

variable "public_url" {
  description = "The address of the pages, which links in mails begin with."
  type        = string
  default     = "https://localhost"

  validation {
    condition     = var.public_url != "" && regex_replace(var.public_url, "^https?://[^?#@]+$", "") == ""
    error_message = "Must be a URL such as https://tickets.example."
  }
}

variable "smtp" {
  description = "Whether mails go to an SMTP server: smtp_url of the Nomad variable, with user and password. Otherwise they are files in the folder mail beside the database of notification."
  type        = bool
  default     = false
}

variable "mail_from" {
  description = "The sender of mails: an address for which the SMTP server may send."
  type        = string
  default     = "Ticketing <tickets@localhost>"

  validation {
    condition     = var.mail_from != "" && regex_replace(var.mail_from, "^[^@]*[^@ <]+@[^@ >]+>?$", "") == ""
    error_message = "Must be an address such as Tickets <tickets@tickets.example>."
  }
}

variable "backup" {
  description = "The destination of replicas. file: a folder that survives the loss of the node, as host volume ticketing-<service>-backup. s3: a bucket."
  type        = string
  default     = "file"

  validation {
    condition     = contains(["file", "s3"], var.backup)
    error_message = "Must be file or s3."
  }
}

variable "backup_folder" {
  description = "The folder that contains the folder of each service's replica; for raw_exec, like `data`."
  type        = string
  default     = "/srv/ticketing-backup"

  validation {
    condition     = var.backup_folder != "" && regex_replace(var.backup_folder, "^/[^ ]*[^/ ]$", "") == ""
    error_message = "Must be an absolute path without a slash at its end."
  }
}

variable "backup_retention_hours" {
  description = "The time in hours for which a point in time can be restored."
  type        = number
  default     = 168

  validation {
    condition     = var.backup_retention_hours >= 24
    error_message = "Must be at least 24."
  }
}

variable "backup_bucket" {
  description = "The bucket, for s3. Its keys are backup_access_key_id and backup_secret_access_key of the Nomad variable."
  type        = string
  default     = "ticketing"

  validation {
    condition     = var.backup_bucket != "" && regex_replace(var.backup_bucket, "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", "") == ""
    error_message = "Must be the name of a bucket."
  }
}

variable "backup_region" {
  description = "The region of the bucket, for s3."
  type        = string
  default     = "us-east-1"
}

variable "backup_endpoint" {
  description = "The URL of an S3-compatible service; empty for Amazon S3."
  type        = string
  default     = ""

  validation {
    condition     = var.backup_endpoint == "" || regex_replace(var.backup_endpoint, "^https?://[^/?#@]+$", "") == ""
    error_message = "Must be empty or a URL such as https://s3.example."
  }
}

variable "backup_path_style" {
  description = "Whether the bucket is part of the path instead of the host name. Most services other than Amazon S3 need this."
  type        = bool
  default     = true
}

variable "restore_to" {
  description = "The point in time to restore if the volume has no database, such as 2026-11-24T20:15:00Z, instead of the newest."
  type        = string
  default     = ""

  validation {
    condition     = var.restore_to == "" || can(timeadd(var.restore_to, "0s"))
    error_message = "Must be a time in RFC 3339 format."
  }
}
