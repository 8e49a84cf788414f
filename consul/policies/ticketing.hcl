# For our services: where the others are, and nothing else.
node_prefix "" {
  policy = "read"
}

service_prefix "ticketing-" {
  policy = "read"
}
