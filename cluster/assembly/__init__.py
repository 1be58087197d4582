"""The parts of a cluster put together in one process; used by the command line and by tests."""
