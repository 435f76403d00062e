"""The `sikoia` command."""
