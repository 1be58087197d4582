"""A Kubernetes control plane and nodes in one process, reached over HTTPS like any other."""

__all__ = ["__version__"]

__version__ = "0.1.0"
