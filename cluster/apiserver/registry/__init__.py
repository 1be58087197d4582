"""The generic registry: every Kind is read and written by the same code, through one watch cache and the store."""
