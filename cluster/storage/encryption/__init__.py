"""Encryption at rest: ciphers, which of them a resource uses, and a store that applies them around another one."""
