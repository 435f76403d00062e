"""`sikoia doctor`: checks variables, network, credentials and webhooks, and says what to do."""

__all__: list[str] = []
