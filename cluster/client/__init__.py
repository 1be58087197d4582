"""One asynchronous client of an API server, in this process or over HTTP."""
