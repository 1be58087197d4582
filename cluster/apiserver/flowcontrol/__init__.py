"""Priority and fairness: whose requests run and whose wait when the server is busy. Everything here but `control` is
pure: it is given the time, and knows no HTTP and no objects but the flow schemas and priority levels."""
