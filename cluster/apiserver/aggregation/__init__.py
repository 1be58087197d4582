"""Other API servers behind this one: group versions that an APIService says are answered by a Service."""
