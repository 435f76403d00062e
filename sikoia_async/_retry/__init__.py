"""When to retry: verdicts, pauses and the retry budget, for calls and for access-token requests."""
