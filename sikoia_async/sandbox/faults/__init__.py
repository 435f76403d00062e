"""Fault injection: planned failures of requests and webhook deliveries."""
