"""The operations of the API as commands, generated from the methods of the resources."""

__all__: list[str] = []
