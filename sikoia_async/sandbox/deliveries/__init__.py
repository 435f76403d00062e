"""Webhook deliveries that the local Sikoia sends."""
