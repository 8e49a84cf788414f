# A Nomad client: nomad agent -config=client.hcl -config=here.hcl
# It runs as root, so that it can isolate tasks.

data_dir = "/opt/nomad/data"

client {
  enabled = true

  # A service needs up to 30 s to shut down (kill_timeout in the jobs).
  max_kill_timeout = "60s"

  # The files of the node that are visible to tasks with the driver exec. The binaries are static: they need the
  # certificate authorities, for Stripe, and name resolution. Shell scripts start them (nomad/service), so a shell is
  # needed. Without this setting Nomad copies half of the system for each start, for 20 to 30 s. Missing files are skipped.
  chroot_env = {
    "/bin/dash"                                    = "/bin/sh"
    "/bin/chmod"                                   = "/bin/chmod"
    "/bin/rm"                                      = "/bin/rm"
    "/usr/bin/timeout"                             = "/usr/bin/timeout"
    "/lib/x86_64-linux-gnu/libc.so.6"              = "/lib/x86_64-linux-gnu/libc.so.6"
    "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"   = "/lib64/ld-linux-x86-64.so.2"
    "/lib/aarch64-linux-gnu/libc.so.6"             = "/lib/aarch64-linux-gnu/libc.so.6"
    "/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1" = "/lib/ld-linux-aarch64.so.1"
    "/etc/ssl/certs"                               = "/etc/ssl/certs"
    "/usr/share/ca-certificates"                   = "/usr/share/ca-certificates"
    "/etc/hosts"                                   = "/etc/hosts"
    "/etc/nsswitch.conf"                           = "/etc/nsswitch.conf"
    "/etc/passwd"                                  = "/etc/passwd"
    "/etc/group"                                   = "/etc/group"
  }

  # While Consul or the servers are down, rendered files stay, without a time limit. By default, Nomad would end a task
  # after twelve attempts.
  template {
    consul_retry {
      attempts    = 0
      backoff     = "250ms"
      max_backoff = "10s"
    }
    nomad_retry {
      attempts    = 0
      backoff     = "250ms"
      max_backoff = "10s"
    }
  }

  # One folder per service, owned by its system user: install -d -o ticketing-order -g ticketing-order -m 700 …
  # A volume exists on one node only: two nodes with the same volume would be two marketplaces. Tasks with raw_exec do not
  # mount it, but are placed on its node.
  host_volume "ticketing-auth" {
    path = "/srv/ticketing/auth"
  }
  host_volume "ticketing-ticket" {
    path = "/srv/ticketing/ticket"
  }
  host_volume "ticketing-order" {
    path = "/srv/ticketing/order"
  }
  host_volume "ticketing-expiration" {
    path = "/srv/ticketing/expiration"
  }
  host_volume "ticketing-payment" {
    path = "/srv/ticketing/payment"
  }
  host_volume "ticketing-notification" {
    path = "/srv/ticketing/notification"
  }
  host_volume "ticketing-rabbitmq" {
    path = "/srv/ticketing/rabbitmq"
  }

  # The replica of each service, unless it is in a bucket: a folder on a disk that survives the loss of this node, mounted
  # on every node on which the service may run. The path is below the mount point, so no service starts without it.
  host_volume "ticketing-auth-backup" {
    path = "/srv/ticketing-backup/auth"
  }
  host_volume "ticketing-ticket-backup" {
    path = "/srv/ticketing-backup/ticket"
  }
  host_volume "ticketing-order-backup" {
    path = "/srv/ticketing-backup/order"
  }
  host_volume "ticketing-expiration-backup" {
    path = "/srv/ticketing-backup/expiration"
  }
  host_volume "ticketing-payment-backup" {
    path = "/srv/ticketing-backup/payment"
  }
  host_volume "ticketing-notification-backup" {
    path = "/srv/ticketing-backup/notification"
  }

  # For tests only.
  host_volume "ticketing-stripe-sim" {
    path = "/srv/ticketing/stripe-sim"
  }
}

# For the broker and the ingress, which are packages of the distribution. Anyone who may submit jobs can become root.
plugin "raw_exec" {
  config {
    enabled = true
  }
}

consul {
  address = "127.0.0.1:8500"
}

telemetry {
  prometheus_metrics         = true
  publish_allocation_metrics = true
}
