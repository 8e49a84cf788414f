# The Stripe simulator, for clusters without real payments. It keeps its state in a database.
#
#   nomad job run -hcl2-strict=false -var-file=production.vars.hcl -var-file=../dist/release.vars.hcl stripe-sim.nomad.hcl

job "ticketing-stripe-sim" {
  type        = "service"
  datacenters = var.datacenters

  update {
    max_parallel      = 1
    canary            = 0
    health_check      = "checks"
    min_healthy_time  = "5s"
    healthy_deadline  = "2m"
    progress_deadline = "5m"
    auto_revert       = true
  }

  group "stripe-sim" {
    count = 1

    # Restarts in place first, for transient failures; then reschedules without limit, with growing delays.
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

    disconnect {
      lost_after = "24h"
      replace    = false
      reconcile  = "keep_original"
    }

    network {
      # The port in var.stripe_url of the payment service.
      port "http" {
        static = var.stripe_sim_port
      }
    }

    # Also for raw_exec, which mounts no volumes: it places the job on the node that has its data.
    volume "data" {
      type      = "host"
      source    = "ticketing-stripe-sim"
      read_only = false
    }

    service {
      name     = "ticketing-stripe-sim"
      provider = "consul"
      port     = "http"
      tags     = ["ticketing"]

      check {
        name     = "alive"
        type     = "tcp"
        interval = "2s"
        timeout  = "2s"
      }
    }

    task "stripe-sim" {
      driver = var.driver
      user   = var.driver == "docker" ? "61006:61006" : "ticketing-stripe-sim"

      kill_signal  = "SIGTERM"
      kill_timeout = "30s"

      config {
        command      = var.driver == "docker" ? null : "local/stripe-sim"
        image        = var.driver == "docker" ? "${var.image}" : null
        entrypoint   = var.driver == "docker" ? ["/stripe-sim"] : null
        network_mode = var.driver == "docker" ? "host" : null
      }

      dynamic "artifact" {
        for_each = var.driver == "docker" ? [] : ["stripe-sim"]
        content {
          source      = "${var.release}/${artifact.value}"
          destination = "local/stripe-sim"
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

      env = merge({
        STRIPE_SIM_LISTEN   = "${NOMAD_ADDR_http}"
        STRIPE_SIM_DATABASE = var.driver == "raw_exec" ? "${var.data}/stripe-sim/stripe.db" : "/data/stripe.db"
      }, var.stripe_webhook_url == "" ? {} : { STRIPE_SIM_WEBHOOK_URL = var.stripe_webhook_url })

      # The same keys as in the payment service.
      template {
        destination = "secrets/keys.env"
        perms       = "0400"
        uid         = 61006
        gid         = 61006
        env         = true
        change_mode = "restart"
        data        = <<-ENV
        {{ with nomadVar "nomad/jobs/ticketing-stripe-sim" -}}
        STRIPE_SIM_SECRET_KEY={{ .stripe_secret_key }}
        {{ if .stripe_webhook_secret }}${var.stripe_webhook_url == "" ? "" : "STRIPE_SIM_WEBHOOK_SECRET={{ .stripe_webhook_secret }}"}{{ end }}
        {{- end }}
        ENV
      }

      resources {
        cpu        = 100
        memory     = 128
        memory_max = 256
      }

      logs {
        max_files     = 5
        max_file_size = 20
      }
    }
  }
}

variable "stripe_webhook_url" {
  description = "The URL to which it posts signed events: the address of the ingress and /api/v1/payments/webhook. If empty, it posts none."
  type        = string
  default     = ""
}

variable "stripe_sim_port" {
  description = "The port that it listens on."
  type        = number
  default     = 12111
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
