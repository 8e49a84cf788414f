# TLS for all Nomad agents. Each machine has the CA's certificate, and a certificate and key of its own:
#
#   nomad tls ca create                                                 # once; its key stays off the cluster
#   nomad tls cert create -server -region global                        # on a server
#   nomad tls cert create -client                                       # on any other machine
#
# Commands need NOMAD_ADDR=https://localhost:4646 and NOMAD_CACERT. Agents verify each other; clients of the API present a
# token, not a certificate.

tls {
  http = true
  rpc  = true

  ca_file   = "/etc/nomad.d/tls/nomad-agent-ca.pem"
  cert_file = "/etc/nomad.d/tls/agent.pem"
  key_file  = "/etc/nomad.d/tls/agent-key.pem"

  # Only a server's certificate contains server.global.nomad: a client cannot pose as a server.
  verify_server_hostname = true
  verify_https_client    = false
}

# With consul/agent/tls.hcl.
consul {
  address = "localhost:8501"
  ssl     = true
  ca_file = "/etc/consul.d/tls/consul-agent-ca.pem"
}
