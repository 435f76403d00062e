"""The event loop that a store's connections belong to."""

from __future__ import annotations

from anyio.lowlevel import current_token

from sikoia_async._errors import ConfigurationError

__all__ = ["Home"]


class Home:
    """The event loop in which a user's client or pool was first used here.

    Args:
        foreign: what to say if it is used in another one.
        not_on_trio: what to say on trio; None if it runs there.
    """

    def __init__(self, foreign: str, not_on_trio: str | None) -> None:
        self._foreign = foreign
        self._not_on_trio = not_on_trio
        self._token: object = None

    def check(self) -> None:
        """Check that this is the event loop.

        Raises:
            ConfigurationError: it is another one, or is of a kind that does not work.
        """
        token = current_token()
        if self._token is None:
            if self._not_on_trio and "trio" in token.backend_class.__module__:
                raise ConfigurationError(self._not_on_trio)
            self._token = token
        elif self._token != token:
            raise ConfigurationError(self._foreign)

    def forget(self) -> None:
        """Take the next event loop for the one."""
        self._token = None
