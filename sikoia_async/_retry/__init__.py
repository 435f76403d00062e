"""Retries: which requests, after which pause, and how many. Used for calls and access tokens."""
