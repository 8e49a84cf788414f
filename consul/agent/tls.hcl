# TLS for all Consul agents. Each machine has the CA's certificate, and a certificate and key of its own:
#
#   consul tls ca create                                                # once; its key stays off the cluster
#   consul tls cert create -server -dc dc1 -node NAME                   # on a server
#   consul tls cert create -client -dc dc1                              # on any other machine
#
# Clients on this machine use https://localhost:8501. The plain port is closed.

ports {
  http  = -1
  https = 8501
}

tls {
  defaults {
    ca_file         = "/etc/consul.d/tls/consul-agent-ca.pem"
    cert_file       = "/etc/consul.d/tls/agent.pem"
    key_file        = "/etc/consul.d/tls/agent-key.pem"
    verify_incoming = true
    verify_outgoing = true
  }

  # Only a server's certificate contains server.dc1.consul: another machine cannot pose as a server.
  internal_rpc {
    verify_server_hostname = true
  }

  # Clients present a token, not a certificate.
  https {
    verify_incoming = false
  }
}

# For clients, such as the services and Nomad: the agent proves that it is localhost. Consul's own commands need
# CONSUL_HTTP_ADDR=https://localhost:8501 and CONSUL_CACERT.
