"""Where the cluster keeps its bytes: one interface, one conformance suite, several stores."""
