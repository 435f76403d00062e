"""ASGI middleware: authentication, rate limit, idempotency keys, error envelope."""
