"""The scheduler: which node a pod runs on. Knows the API through the client protocol alone."""
