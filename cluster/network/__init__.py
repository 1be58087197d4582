"""Services on this machine: what listens on their addresses and hands connections on to pods."""
