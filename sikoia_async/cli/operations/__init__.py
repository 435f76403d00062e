"""`sikoia operations` and `sikoia wait`: the API's operations, and waiting for long ones."""

__all__: list[str] = []
