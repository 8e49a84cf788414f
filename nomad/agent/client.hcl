# A Nomad client: nomad agent -config=client.hcl -config=here.hcl
# It runs as root, so that it can isolate what it runs.

data_dir = "/opt/nomad/data"

client {
  enabled = true

  # A service takes up to 30 s to end well (kill_timeout in the jobs).
  max_kill_timeout = "60s"

  # All that a task with the driver exec sees of its node. Our binaries are static: they need the certificates by which
  # Stripe is known, and names. What leads to them is a shell script of a few lines (nomad/service), which needs a shell.
  # Without this line Nomad copies half of the system for each start, for 20 to 30 s. What a node lacks is left out.
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

  # Consul or the servers away: what was rendered stays, however long it takes. Left as it is, Nomad would end a task
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

  # One folder for each service, owned by the user it runs as: install -d -o nobody -g nogroup -m 700 …
  # A volume is on one node alone: two nodes with the same one would be two marketplaces. Tasks with raw_exec do not
  # mount it but are placed by it.
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
  host_volume "ticketing-rabbitmq" {
    path = "/srv/ticketing/rabbitmq"
  }

  # Where each service's replica goes, unless that is a bucket: a folder on a disk that outlives this node, mounted on
  # every node that the service may run on. The path is below the mount, so that without it nothing begins.
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

  # Only for tests.
  host_volume "ticketing-stripe-sim" {
    path = "/srv/ticketing/stripe-sim"
  }
}

# For the broker and the ingress, which are the distribution's own packages. Who may submit jobs can be root here.
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
