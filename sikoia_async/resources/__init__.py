"""One module a resource: its models, then its methods."""
