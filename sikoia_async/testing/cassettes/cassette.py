"""Cassettes: record the responses of an environment once, and replay them offline.

    with Cassette("loan.json") as cassette:
        async with client_of(cassette) as sikoia:
            case = await sikoia.cases.create(name="Loan", case_type="Business")

This replays the file and never sends a request. `Cassette("loan.json", record=True)` records it
from the environment that `SIKOIA_ENVIRONMENT` names, where the requests may cost money.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import attrs

from sikoia_async._transport.adapters import validate_transport
from sikoia_async._transport.connector import Connector
from sikoia_async.testing.cassettes.file import (
    CassetteError,
    Contents,
    check_writable,
    ids_in,
    read,
    salt_of,
    write,
)
from sikoia_async.testing.cassettes.player import Player
from sikoia_async.testing.cassettes.pseudonyms import Pseudonyms
from sikoia_async.testing.cassettes.recorder import Recorder, Recording
from sikoia_async.testing.cassettes.scrubber import Scrubber

if TYPE_CHECKING:
    import os
    import ssl
    from types import TracebackType

    from sikoia_async._transport.adapters import HttpTransport

__all__ = ["Cassette", "CassetteError"]


class Cassette:
    """A file of responses that is replayed or recorded in a `with` block.

    The file contains the fields that the models of this SDK have and do not mark as personal.
    Personal data is replaced with neutral strings, dates and numbers, each UUID with another one
    that is the same everywhere in the file, and files with small placeholders of the same kind.
    Access tokens, API keys, secrets, links and correlation ids are never recorded.

    Args:
        path: the path of the file.
        record: whether to record the file, replacing an existing one. Every call then goes to the
            client's environment and may cost money. The file is written even if the block fails,
            but not if no call was made.
        keep_company_names: whether to record the names of companies. By default they become
            `Company 1` and so on in responses, because a sole trader's is a person's name. This has
            no effect on a replay.

    Raises, on entering or leaving the block:
        CassetteError: the file is missing or invalid or cannot be written, or a request was made
            that it does not contain, even if the code under test caught that error.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        record: bool = False,
        keep_company_names: bool = False,
    ) -> None:
        self._keeps_company_names: bool = keep_company_names
        self._path = Path(path)
        self._contents = Contents()
        self._recording: Recording | None = None
        self._player: Player | None = None
        self.records = record
        """Whether the cassette is being recorded."""

    def __enter__(self) -> Self:
        if self.records:
            check_writable(self._path)
            self._contents = Contents(
                salt=salt_of(self._path),
                company_names="kept" if self._keeps_company_names else "numbered",
            )
            self._recording = Recording(self._path.name)
            ids = Pseudonyms(self._contents.salt)
        else:
            self._contents = read(self._path)
            ids = Pseudonyms(self._contents.salt, ids_in(self._contents))
        self._scrubber = Scrubber(ids, keeps_company_names=self._contents.company_names == "kept")
        if not self.records:
            self._player = Player(self._contents.interactions, self._scrubber, self._path.name)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.is_over = True
            if recording.interactions:
                write(self._path, attrs.evolve(self._contents, interactions=recording.interactions))
        if kind is None and self._player is not None and self._player.failure is not None:
            raise self._player.failure

    @property
    def unused(self) -> tuple[str, ...]:
        """The operations of the interactions that have not been replayed, in order.

        Empty while recording.
        """
        return () if self._player is None else self._player.unused

    def transport(
        self,
        beneath: HttpTransport | None = None,
        *,
        tls: ssl.SSLContext | str | Path | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
    ) -> HttpTransport:
        """Return the transport for a client: `Sikoia(..., transport=cassette.transport())`.

        Use it in code that creates its own client; `client_of(cassette)` calls it for you. After
        recording, close it in the client's event loop with `await transport.aclose()`.

        Args:
            beneath: the transport to record through, instead of the SDK's own connections.
            tls: as for `Sikoia`, while recording.
            proxy: as for `Sikoia`, while recording.
            trust_env: as for `Sikoia`, while recording.

        Raises:
            CassetteError: the `with` block has not been entered.
            ConfigurationError: `beneath` is not a transport, or contradicts the other arguments.
        """
        if self._player is not None:
            return self._player
        if self._recording is None:
            msg = f"cassette {self._path.name}: enter its with block first"
            raise CassetteError(msg)
        validate_transport("transport", beneath)
        connector = Connector(beneath, tls, proxy, trust_env=trust_env)
        return Recorder(connector, self._scrubber, self._recording)
