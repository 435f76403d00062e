"""The secrets of webhooks in variables."""

from __future__ import annotations

from sikoia_async._errors import ConfigurationError
from sikoia_async._settings import variables
from sikoia_async.webhooks import sign

__all__ = ["own_secrets"]


def own_secrets() -> list[str]:
    """Return the secrets in `SIKOIA_WEBHOOK_SECRETS`, or in the file that is named instead.

    Raises:
        ConfigurationError: there are none, or one cannot be a secret; the error names the variable.
    """
    secrets = variables.webhook_secrets()
    for number, one in enumerate(secrets, 1):
        try:
            sign(b"", one)
        except ConfigurationError as error:
            problem = str(error).partition(": ")[2]
            name = variables.source_of("SIKOIA_WEBHOOK_SECRETS")
            msg = f"{name}, secret {number}: {problem}"
        else:
            continue
        raise ConfigurationError(msg)
    return secrets
