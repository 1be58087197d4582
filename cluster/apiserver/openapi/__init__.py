"""OpenAPI v3 and v2 of whatever kinds are served, built lazily and kept as bytes."""

from cluster.apiserver.openapi.documents import Document, OpenAPI, Others

__all__ = ["Document", "OpenAPI", "Others"]
