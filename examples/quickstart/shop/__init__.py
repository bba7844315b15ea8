"""A web shop's order service: two small programs that talk over a JetStream stream."""
