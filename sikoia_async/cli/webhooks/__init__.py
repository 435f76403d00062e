"""`sikoia listen` and `sikoia events`: webhook events on a developer's machine, from the log."""

__all__: list[str] = []
