"""Incoming webhook deliveries: signatures, events, routing, and deduplication."""
