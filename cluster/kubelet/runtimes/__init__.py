"""Container runtimes, one a module, behind interface.Runtime."""
