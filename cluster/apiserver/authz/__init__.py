"""Whether they may: the Authorizer seam, RBAC, and room for the node authorizer and the bootstrap roles."""
