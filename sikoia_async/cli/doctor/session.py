"""What one run of `sikoia doctor` knows, and passes from check to check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from sikoia_async import Sikoia
from sikoia_async._transport.connector import local_authorities
from sikoia_async.environments import PRODUCTION, STAGING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence

    from sikoia_async._errors import CallError
    from sikoia_async.cli.doctor.network import Route
    from sikoia_async.environments import Environment

__all__ = ["Outcome", "Session", "new_client"]

_TIMEOUT: Final = 10.0
"""Seconds that a call may take."""


@attrs.frozen
class Outcome:
    """How the first call ended."""

    error: CallError | None
    headers: Mapping[str, str]
    """Those of its response; empty if there was none."""
    moment: float
    """This machine's time in the middle of it, in seconds since the epoch."""


@attrs.define
class Session:
    """What a run knows so far.

    Args:
        environment: the environment to check; None for the one that `SIKOIA_ENVIRONMENT` names.
        others: the environments in which refused credentials are tried; None for the usual ones.
    """

    environment: Environment | None = None
    others: Sequence[Environment] | None = None
    tls: ssl.SSLContext | None = None
    """Whom the client trusts, once that is known."""
    sikoia: Sikoia | None = None
    routes: Sequence[Route] = ()
    """The ways to the API and to the token endpoint."""
    outcome: Outcome | None = None

    @property
    def checked(self) -> Environment:
        """The environment that is checked, once it is known."""
        assert self.environment is not None  # noqa: S101 - checks that need it run later
        return self.environment

    @property
    def trusted(self) -> ssl.SSLContext:
        """Whom the client trusts, once that is known."""
        assert self.tls is not None  # noqa: S101 - as above
        return self.tls

    @property
    def is_local(self) -> bool:
        """Whether it is a local Sikoia."""
        return self.checked.name == "local"

    @property
    def client(self) -> Sikoia:
        """The client, once it is open."""
        assert self.sikoia is not None  # noqa: S101 - as above
        return self.sikoia

    @property
    def other_environments(self) -> Sequence[Environment]:
        """Where refused credentials may belong. Those of a local Sikoia are not sent anywhere."""
        if self.others is not None:
            return self.others
        return [one for one in (PRODUCTION, STAGING) if not self.is_local and one != self.checked]


def new_client(environment: Environment) -> Sikoia:
    """Return a client that connects as commands do, does not retry, and cannot spend anything.

    Raises:
        ConfigurationError: the credentials or other settings are missing or not valid.
    """
    return Sikoia(
        environment=environment,
        tls=local_authorities(environment),
        trust_env=True,
        retries=0,
        timeout=_TIMEOUT,
        max_chargeable=0,
    )
