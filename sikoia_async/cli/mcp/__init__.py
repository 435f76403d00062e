"""`sikoia mcp`: the operations of the API as tools for agents."""

__all__: list[str] = []
