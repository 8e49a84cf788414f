# The storefront: pages for people. It has no state and no secrets, so any number of instances may run.
#
#   nomad job run -hcl2-strict=false -var-file=production.vars.hcl -var-file=../dist/release.vars.hcl storefront.nomad.hcl

locals {
  # The CAs of encrypted connections to Consul; without them, those of the node are trusted.
  has_ca = var.ca_certificates != "" && regex_replace(var.consul_url, "^https:.*", "") == ""
}

job "ticketing-storefront" {
  type        = "service"
  datacenters = var.datacenters

  # A new instance runs beside the old ones before it replaces them, also if there is only one.
  update {
    max_parallel      = 1
    canary            = 1
    auto_promote      = true
    health_check      = "checks"
    min_healthy_time  = "5s"
    healthy_deadline  = "2m"
    progress_deadline = "5m"
    auto_revert       = true
  }

  group "storefront" {
    count = var.storefront_count

    # On different nodes where possible.
    spread {
      attribute = "${node.unique.id}"
    }

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

    network {
      port "http" {
      }
    }

    service {
      name     = "ticketing-storefront"
      provider = "consul"
      port     = "http"
      tags     = ["ticketing", "metrics"]

      # Decides whether it receives requests. It does not fail with the services that it calls: pages show that.
      check {
        name     = "ready"
        type     = "http"
        path     = "/health/ready"
        interval = "1s"
        timeout  = "2s"
      }

      # Only this check restarts it, after 15 failures.
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

    task "storefront" {
      driver = var.driver
      user   = var.driver == "docker" ? "61008:61008" : "ticketing-storefront"

      # Time until the ingress has noticed (2 s), and to finish running requests (10 s). There is no shutdown_delay: the
      # storefront itself serves until the ingress has noticed.
      kill_signal  = "SIGTERM"
      kill_timeout = "35s"

      config {
        command      = var.driver == "docker" ? null : "local/ticketing-storefront"
        image        = var.driver == "docker" ? var.image : null
        entrypoint   = var.driver == "docker" ? ["/ticketing-storefront"] : null
        network_mode = var.driver == "docker" ? "host" : null
        args         = ["serve"]
      }

      dynamic "artifact" {
        for_each = var.driver == "docker" ? [] : ["ticketing-storefront"]
        content {
          source      = "${var.release}/${artifact.value}"
          destination = "local/ticketing-storefront"
          mode        = "file"
          chown       = true
          options {
            checksum = lookup(var.checksums, artifact.value, "sha256:${format("%064d", 0)}")
          }
        }
      }

      # The addresses of the services come from Consul.
      env = merge(var.environment, {
        TICKETING_LISTEN            = "${NOMAD_ADDR_http}"
        TICKETING_TRUSTED_PROXIES   = join(",", var.trusted_proxies)
        TICKETING_PUBLIC_URL        = var.public_url
        TICKETING_STRIPE_SCRIPT_URL = var.stripe_script_url
        TICKETING_CONSUL_URL        = var.consul_url
        TICKETING_LOG               = var.log
        TICKETING_LOG_FORMAT        = "json"
      }, local.has_ca ? { TICKETING_CONSUL_CA_FILE = "$${NOMAD_TASK_DIR}/ca.pem" } : {})

      dynamic "template" {
        for_each = local.has_ca ? ["ca.pem"] : []
        content {
          destination = "local/${template.value}"
          data        = var.ca_certificates
        }
      }

      resources {
        cpu        = 200
        memory     = 64
        memory_max = 256
      }

      logs {
        max_files     = 5
        max_file_size = 20
      }
    }
  }
}

variable "storefront_count" {
  description = "The number of instances."
  type        = number
  default     = 1

  validation {
    condition     = var.storefront_count >= 1
    error_message = "Must be at least 1."
  }
}

variable "trusted_proxies" {
  description = "The addresses from which the nodes of the ingress connect; a network where they change. Their X-Forwarded-For is trusted, and passed on to the services."
  type        = list(string)

  validation {
    condition     = length(var.trusted_proxies) > 0 && !contains([for proxy in var.trusted_proxies : can(cidrhost(proxy, 0)) ? regex_replace(proxy, "^.*/0$", "") != "" : can(cidrhost("${proxy}/32", 0)) || can(cidrhost("${proxy}/128", 0))], false)
    error_message = "Must name at least one address such as 10.0.0.5, or a network such as 10.0.0.0/28; not all addresses."
  }
}

variable "public_url" {
  description = "The address of the pages: for links in previews and in the sitemap."
  type        = string
  default     = "https://localhost"

  validation {
    condition     = var.public_url != "" && regex_replace(var.public_url, "^https?://[^/?#@]+$", "") == ""
    error_message = "Must be a URL such as https://tickets.example."
  }
}

variable "stripe_script_url" {
  description = "The URL of Stripe's script, which shows the card form; for the simulator: its address as browsers reach it, and /v3/"
  type        = string
  default     = "https://js.stripe.com/v3/"

  validation {
    condition     = var.stripe_script_url != "" && regex_replace(var.stripe_script_url, "^https?://[^/?#@]+/[^?#]*$", "") == ""
    error_message = "Must be a URL such as https://js.stripe.com/v3/."
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

variable "log" {
  description = "The log filter: a level, or a list such as info,order=debug."
  type        = string
  default     = "info"
}

variable "environment" {
  description = "Further settings by environment variable. Every flag has one: see `ticketing-storefront serve --help`."
  type        = map(string)
  default     = {}
}
