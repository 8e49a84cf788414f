# Verifies the backups: restores each service's newest replica to a scratch folder and runs the service's `check` on it.
# A failure needs immediate attention: docs/operating.md.
#
#   nomad job run -hcl2-strict=false -var-file=production.vars.hcl -var-file=../dist/release.vars.hcl backup.nomad.hcl
#   nomad job periodic force ticketing-backup      # now

locals {
  services = ["auth", "ticket", "order", "expiration", "payment", "notification"]
  # The system user of each service, and the id of user and group, as in service.nomad.hcl: a replica belongs to it.
  own      = { auth = 61001, ticket = 61002, order = 61003, expiration = 61004, payment = 61005, notification = 61007 }
  uids     = { for service in local.services : service => var.system_users == "own" ? local.own[service] : 65534 }
  names    = { for service in local.services : service => var.system_users == "own" ? "ticketing-${service}" : "nobody" }
  mounted  = var.backup == "file" ? local.services : []
  programs = var.driver == "docker" ? "/" : "$${NOMAD_TASK_DIR}/"

  # The replica settings of each service.
  replicas = { for service in local.services : service => var.backup == "file" ? (
    "path: ${var.driver == "raw_exec" ? var.backup_folder : "/backup"}/${service}"
    ) : <<-YAML
    bucket: ${var.backup_bucket}
          path: ${service}
          region: ${var.backup_region}
          endpoint: "${var.backup_endpoint}"
          force-path-style: ${var.backup_path_style}
    {{- with nomadVar "nomad/jobs/ticketing-backup" }}
          access-key-id: {{ .backup_access_key_id }}
          secret-access-key: {{ .backup_secret_access_key }}
    {{- end }}
    YAML
  }
}

job "ticketing-backup" {
  type        = "batch"
  datacenters = var.datacenters

  periodic {
    crons            = [var.proof_schedule]
    prohibit_overlap = true
  }

  group "proof" {
    # Retries, because the storage may be unavailable for a moment. A damaged replica fails every time.
    restart {
      attempts = 2
      interval = "10m"
      delay    = "15s"
      mode     = "fail"
    }

    reschedule {
      attempts  = 0
      unlimited = false
    }

    ephemeral_disk {
      size = var.scratch
    }

    dynamic "volume" {
      for_each = local.mounted
      labels   = [volume.value]
      content {
        type      = "host"
        source    = "ticketing-${volume.value}-backup"
        read_only = true
      }
    }

    dynamic "task" {
      for_each = local.services
      labels   = [task.value]

      content {
        driver = var.driver
        user   = var.driver == "docker" ? "${local.uids[task.value]}:${local.uids[task.value]}" : local.names[task.value]

        config {
          command      = var.driver == "docker" ? null : "/bin/sh"
          image        = var.driver == "docker" ? var.image : null
          entrypoint   = var.driver == "docker" ? ["/bin/sh"] : null
          network_mode = var.driver == "docker" ? "host" : null
          args         = ["local/prove.sh"]
        }

        dynamic "artifact" {
          for_each = var.driver == "docker" ? [] : ["litestream", "ticketing-${task.value}"]
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
          for_each = var.driver == "raw_exec" ? [] : [for service in local.mounted : service if service == task.value]
          content {
            volume      = volume_mount.value
            destination = "/backup/${volume_mount.value}"
            read_only   = true
          }
        }

        env {
          LITESTREAM = "${local.programs}litestream"
          PROGRAM    = "${local.programs}ticketing-${task.value}"
        }

        template {
          destination = "local/prove.sh"
          data        = file("service/prove.sh")
        }

        template {
          destination = "secrets/litestream.yml"
          perms       = "0400"
          uid         = local.uids[task.value]
          gid         = local.uids[task.value]
          data        = <<-YAML
          logging:
            type: json
          dbs:
            - path: /replica
              replica:
                type: ${var.backup}
                ${local.replicas[task.value]}
          YAML
        }

        resources {
          cpu        = 100
          memory     = 96
          memory_max = 512
        }

        logs {
          max_files     = 3
          max_file_size = 10
        }
      }
    }
  }
}

variable "proof_schedule" {
  description = "When the backups are verified, in cron format."
  type        = string
  default     = "20 3 * * *"
}

variable "scratch" {
  description = "MiB on the disk of the node for all restored databases together."
  type        = number
  default     = 1024
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
