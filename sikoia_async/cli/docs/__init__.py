"""`sikoia docs`: the documentation as Markdown; the hook of the site's build uses it, too."""

__all__: list[str] = []
