# For all Consul agents: deny everything that no policy allows. The policies are in consul/policies.

acl {
  enabled                  = true
  default_policy           = "deny"
  enable_token_persistence = true
  # While Consul's servers are down, cached permissions stay valid.
  down_policy = "extend-cache"
}
