"""The key under which processes of one application find each other in a store."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sikoia_async.environments import Environment

__all__ = ["account_key"]


def account_key(environment: Environment, client_id: str | None) -> str:
    """Return a hash that names the account of a client and reveals nothing.

    A client that is given an access token or an API key does not know its organisation. Its account
    is the API itself, so that each organisation needs a store of its own.

    Args:
        environment: the environment of the client.
        client_id: its client id; None if it has an access token or an API key instead.
    """
    identity = environment.api
    if client_id is not None:
        identity = f"{environment.token_url}\n{environment.scope}\n{client_id}"
    return hashlib.sha256(identity.encode()).hexdigest()[:32]
