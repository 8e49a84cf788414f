# For the services: they resolve each other, and nothing else.
node_prefix "" {
  policy = "read"
}

service_prefix "ticketing-" {
  policy = "read"
}
