"""Controllers: one file each, a pure plan and a reconcile; they know the API through the client protocol alone."""
