"""Scheduling plugins, a file each; they see pods, nodes and the snapshot, never the API."""
