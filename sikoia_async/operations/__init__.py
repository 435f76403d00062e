"""Long-running work: operations, how they are polled, and the tokens that resume them.

Users import `Operation`, `Interval` and `poll` from `sikoia_async`.
"""

__all__: list[str] = []
