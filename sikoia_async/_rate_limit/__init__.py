"""The client-side rate limit."""
