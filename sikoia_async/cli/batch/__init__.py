"""`sikoia batch`: one operation for each row of a file, made once, also across crashes."""

__all__: list[str] = []
