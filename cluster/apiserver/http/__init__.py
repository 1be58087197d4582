"""HTTP/1.1 over asyncio: bytes in, requests out. Knows nothing of Kubernetes."""
