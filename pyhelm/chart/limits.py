"""How much a chart may hold, wherever it is read from. Imports nothing, so that folders are read without tarfile."""

MAX_TOTAL = 100 * 1024 * 1024
"""Bytes a chart may have when unpacked."""
MAX_FILE = 5 * 1024 * 1024
"""Bytes one file of a chart may have."""
BOM = b"\xef\xbb\xbf"
"""What is taken off the beginning of every file."""
