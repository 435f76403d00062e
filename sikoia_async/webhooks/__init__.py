"""Incoming webhook deliveries: signatures, events, routing, and deduplication."""

__all__: list[str] = []
