# A Nomad server, one of three: nomad agent -config=server.hcl -config=here.hcl
# (here.hcl contains the settings of this machine: name, addresses, datacenter, gossip key, TLS files.)

data_dir = "/opt/nomad/data"

server {
  enabled          = true
  bootstrap_expect = 3

  # The root key that encrypts Nomad Variables is on the servers' disks: back it up with them
  # (nomad operator snapshot save, and the folder server/keystore).
  heartbeat_grace = "30s"

  # Jobs may use more memory than they reserve, up to their memory_max, for short work such as converting a picture. This is the
  # setting of a new cluster; in an existing one: nomad operator scheduler set-config -memory-oversubscription=true
  default_scheduler_config {
    memory_oversubscription_enabled = true
  }
}

# Without ACLs, every client of port 4646 can read all secrets.
acl {
  enabled = true
}

consul {
  address = "127.0.0.1:8500"
}
