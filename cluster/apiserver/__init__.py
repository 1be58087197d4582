"""The API server: the only door to the store, and the only place that decides what a valid object is.

`server.ApiServer` puts it together. Requests pass `filters/` in the order of `filters/chain.py`, are routed by
`handlers/`, and end in `registry/`, which one class serves for every Kind.
"""
