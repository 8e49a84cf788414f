# For Consul's own agents (acl.tokens.agent). Without it, an agent can neither update the status of its node nor
# deregister a service that has ended, which would continue to receive requests.
node_prefix "" {
  policy = "write"
}

service_prefix "" {
  policy = "read"
}
