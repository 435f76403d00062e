"""Long-running work: operations, polling, and tokens that resume them."""

__all__: list[str] = []
