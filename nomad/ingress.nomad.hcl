# The ingress: TLS, one address for all services. It holds requests while a service is updated (ingress/nginx.conf.tpl).
#
#   nomad job run -hcl2-strict=false -var-file=production.vars.hcl -var-file=../dist/release.vars.hcl ingress.nomad.hcl

job "ticketing-ingress" {
  type        = "service"
  datacenters = var.datacenters

  update {
    max_parallel      = 1
    health_check      = "checks"
    min_healthy_time  = "3s"
    healthy_deadline  = "1m"
    progress_deadline = "2m"
    auto_revert       = true
  }

  group "ingress" {
    count = var.ingress_count

    # Each instance uses the same ports of its node.
    constraint {
      distinct_hosts = true
    }

    restart {
      attempts = 10
      interval = "1m"
      delay    = "1s"
      mode     = "delay"
    }

    network {
      port "http" {
        static = var.http_port
      }
      port "https" {
        static = var.https_port
      }
      # For Nomad and Prometheus.
      port "admin" {
      }
      # An internal server on the loopback, for retries.
      port "retry" {
      }
    }

    service {
      name     = "ticketing-ingress"
      provider = "consul"
      port     = "admin"
      tags     = ["ticketing"]

      check {
        name     = "alive"
        type     = "http"
        path     = "/live"
        interval = "2s"
        timeout  = "2s"

        check_restart {
          limit = 5
          grace = "10s"
        }
      }
    }

    task "nginx" {
      driver = var.ingress_driver

      # Finishes running requests, then ends.
      kill_signal  = "SIGQUIT"
      kill_timeout = "30s"

      config {
        command      = var.ingress_driver == "docker" ? "nginx" : var.ingress_program
        args         = ["-c", "${NOMAD_TASK_DIR}/nginx.conf", "-p", "${NOMAD_TASK_DIR}"]
        image        = var.ingress_driver == "docker" ? var.ingress_image : null
        network_mode = var.ingress_driver == "docker" ? "host" : null
      }

      artifact {
        source      = "${var.release}/ticketing-pages.tar.gz"
        destination = "local/pages"
        options {
          checksum = lookup(var.checksums, "ticketing-pages.tar.gz", "sha256:${format("%064d", 0)}")
        }
      }

      env {
        INGRESS_USER      = var.ingress_driver == "docker" ? "nginx" : var.ingress_user
        INGRESS_WORKERS   = var.ingress_workers
        INGRESS_REQUESTS  = var.ingress_requests
        INGRESS_TLS       = var.tls
        INGRESS_REDIRECT  = var.tls && var.redirect
        INGRESS_BALANCERS = join(",", var.balancers)
      }

      template {
        destination   = "local/nginx.conf"
        data          = file("ingress/nginx.conf.tpl")
        change_mode   = "signal"
        change_signal = "SIGHUP"
        # Merges changes of several services into one reload.
        wait {
          min = "250ms"
          max = "2s"
        }
      }

      dynamic "template" {
        for_each = var.tls ? { crt = "tls_certificate", key = "tls_key" } : {}
        content {
          destination   = "secrets/tls.${template.key}"
          data          = "{{ with nomadVar \"nomad/jobs/ticketing-ingress\" }}{{ .${template.value} }}{{ end }}\n"
          perms         = "0400"
          change_mode   = "signal"
          change_signal = "SIGHUP"
        }
      }

      resources {
        cpu        = 300
        memory     = 64
        memory_max = 256
      }

      logs {
        max_files     = 5
        max_file_size = 40
      }
    }
  }
}

variable "datacenters" {
  description = "Datacenters in which it may run."
  type        = list(string)
  default     = ["*"]
}

variable "ingress_driver" {
  description = "raw_exec: the nginx package of the node. docker: from an image."
  type        = string
  default     = "raw_exec"

  validation {
    condition     = contains(["raw_exec", "docker"], var.ingress_driver)
    error_message = "Must be raw_exec or docker."
  }
}

variable "ingress_program" {
  description = "The path of nginx on the node, for raw_exec."
  type        = string
  default     = "/usr/sbin/nginx"
}

variable "ingress_image" {
  description = "The nginx image, by its digest; for docker."
  type        = string
  default     = "docker.io/library/nginx:stable"
}

variable "ingress_user" {
  description = "The user of the nginx workers. The master runs as root, because it listens on ports below 1024 and reads the key."
  type        = string
  default     = "www-data"
}

variable "ingress_count" {
  description = "The number of nodes with an ingress. The DNS needs the addresses of all of them."
  type        = number
  default     = 1
}

variable "ingress_workers" {
  description = "Worker processes on each node: a number, or auto."
  type        = string
  default     = "auto"
}

variable "ingress_requests" {
  description = "Requests of one IPv4 address, or IPv6 network of 64 bits, that are served at the same time; each may fill 8 MiB of the disk."
  type        = number
  default     = 100

  validation {
    condition     = var.ingress_requests >= 1
    error_message = "Must be at least 1."
  }
}

variable "balancers" {
  description = "Addresses or networks of balancers in front of the ingress, whose X-Forwarded-For is trusted. A balancer that is not named is the client of all requests that it passes on."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains([for balancer in var.balancers : can(cidrhost(balancer, 0)) ? regex_replace(balancer, "^.*/0$", "") != "" : can(cidrhost("${balancer}/32", 0)) || can(cidrhost("${balancer}/128", 0))], false)
    error_message = "Each must be an address such as 10.0.1.5 or a network such as 10.0.1.0/28; not all addresses."
  }
}

variable "http_port" {
  description = "The port for http://."
  type        = number
  default     = 80
}

variable "https_port" {
  description = "The port for https://."
  type        = number
  default     = 443
}

variable "tls" {
  description = "Whether https:// is served, with tls_certificate and tls_key of the Nomad variable nomad/jobs/ticketing-ingress."
  type        = bool
  default     = true
}

variable "redirect" {
  description = "Whether http:// redirects to https://."
  type        = bool
  default     = true
}

variable "release" {
  description = "The URL of the release folder, from which nodes download the pages."
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
