"""A Helm-style templating and package manager for Kubernetes."""

__all__ = ["__version__"]

__version__ = "0.1.0"
