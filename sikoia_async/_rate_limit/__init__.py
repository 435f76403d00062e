"""The client-side rate limit: how many requests may be sent, and who goes first."""
