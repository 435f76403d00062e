"""Fault injection: what can go wrong, and when."""
