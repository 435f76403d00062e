"""The webhook deliveries that the local Sikoia sends."""
