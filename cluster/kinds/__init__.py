"""Kinds as data: a folder per API group, a file per kind, and the registry that finds them.

Nothing here does I/O or knows who serves or stores the objects.
"""
