# For all Consul agents: nobody may do anything that no policy allows. The policies are in consul/policies.

acl {
  enabled                  = true
  default_policy           = "deny"
  enable_token_persistence = true
  # Consul's servers away for a while: what was allowed stays allowed.
  down_policy = "extend-cache"
}
