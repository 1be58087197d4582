"""The command line of the cluster, and the assembly of its parts into one process."""
