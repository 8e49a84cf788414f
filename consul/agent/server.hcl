# A Consul server, one of three: consul agent -config-file=server.hcl -config-file=acl.hcl -config-file=here.hcl
# (here.hcl contains the settings of this machine: node_name, bind_addr, retry_join, datacenter, the gossip key in encrypt, TLS files.)

data_dir         = "/opt/consul/data"
server           = true
bootstrap_expect = 3

# Clients are on this machine only; agents communicate on separate ports.
client_addr = "127.0.0.1"

ui_config {
  enabled = true
}

performance {
  raft_multiplier = 1
}
