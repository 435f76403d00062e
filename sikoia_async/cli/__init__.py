"""The `sikoia` command: `main` parses the command line, `demo` is the demonstration."""

__all__: list[str] = []
