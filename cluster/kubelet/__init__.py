"""The node: makes the pods bound to it run, and says how they are. Knows the API through the client protocol."""
