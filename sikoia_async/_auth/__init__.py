"""Access tokens and credentials: how a client authenticates."""
