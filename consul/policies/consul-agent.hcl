# For Consul's own agents (acl.tokens.agent). Without it an agent can neither tell how its node is nor take away a
# service that has ended: requests would go on being sent to it.
node_prefix "" {
  policy = "write"
}

service_prefix "" {
  policy = "read"
}
