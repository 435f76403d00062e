"""The `sikoia` command."""

__all__: list[str] = []
