# The Consul agent on each Nomad client: consul agent -config-file=client.hcl -config-file=acl.hcl -config-file=here.hcl

data_dir    = "/opt/consul/data"
client_addr = "127.0.0.1"
