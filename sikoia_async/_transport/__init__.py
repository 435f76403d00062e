"""The wire: one request and its response over a pool of connections."""
