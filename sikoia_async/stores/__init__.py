"""State shared between processes, and what guards a client against a store that fails."""

__all__: list[str] = []
