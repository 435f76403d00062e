"""Cassettes: what an environment has answered once is replayed offline, without personal data.

    with Cassette("loan.json") as cassette:
        async with client_of(cassette) as sikoia:
            case = await sikoia.cases.create(name="Loan", case_type="Business")

That replays, and never sends anything. To record the file, which calls the environment that
`SIKOIA_ENVIRONMENT` names and may cost money there, say `Cassette("loan.json", record=True)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import attrs

from sikoia_async._transport.connector import Connector
from sikoia_async.testing.cassettes.ids import Pseudonyms
from sikoia_async.testing.cassettes.player import Player
from sikoia_async.testing.cassettes.recorder import Recorder, Slots
from sikoia_async.testing.cassettes.scrub import Scrubber
from sikoia_async.testing.cassettes.tape import (
    CassetteError,
    Tape,
    check_place,
    ids_in,
    read,
    salt_of,
    write,
)

if TYPE_CHECKING:
    import os
    import ssl
    from types import TracebackType

    import httpx

__all__ = ["Cassette", "CassetteError"]


class Cassette:
    """A file of answers, which is replayed, or recorded, while the `with` block runs.

    It holds what the models of this SDK know and do not mark as personal. In place of personal data
    stand texts, dates and numbers that mean nobody; in place of each UUID another one, the same
    wherever it stands; in place of files small ones of the same kind. Tokens, keys, secrets, links
    and correlation ids never come into it.

    Args:
        path: the file.
        record: whether to record it, in place of what is there. Each call then goes to the
            environment of the client and may cost money; what came is written also where the block
            fails. Without any call there is no file.

    Raises, when the block is entered or left:
        CassetteError: the file is missing or broken, or cannot be written; or something was asked
            that it does not hold, also where the code under test has caught that error.
    """

    def __init__(self, path: str | os.PathLike[str], *, record: bool = False) -> None:
        self._path = Path(path)
        self._tape = Tape()
        self._slots: Slots | None = None
        self._player: Player | None = None
        self.records = record
        """Whether it records."""

    def __enter__(self) -> Self:
        if self.records:
            check_place(self._path)
            self._tape, self._slots = Tape(salt=salt_of(self._path)), Slots(self._path.name)
            self._scrubber = Scrubber(Pseudonyms(self._tape.salt))
        else:
            self._tape = read(self._path)
            self._scrubber = Scrubber(Pseudonyms(self._tape.salt, ids_in(self._tape)))
            self._player = Player(self._tape.recorded, self._scrubber, self._path.name)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.is_over = True
            if slots.recorded:
                write(self._path, attrs.evolve(self._tape, recorded=slots.recorded))
        if kind is None and self._player is not None and self._player.failure is not None:
            raise self._player.failure

    @property
    def unused(self) -> tuple[str, ...]:
        """The operations of the recordings that nobody has asked for yet, in order.

        Without any while it records.
        """
        return () if self._player is None else self._player.unused

    def transport(
        self,
        beneath: httpx.AsyncBaseTransport | None = None,
        *,
        tls: ssl.SSLContext | str | Path | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
    ) -> httpx.AsyncBaseTransport:
        """Return the transport of a client: `Sikoia(..., transport=cassette.transport())`.

        It is for code that makes its own client; `client_of(cassette)` knows it. Close it after
        recording, in the event loop of the client: `await transport.aclose()`.

        Args:
            beneath: what a recording goes through, in place of the SDK's own way to the wire.
            tls: as for `Sikoia`, while it records.
            proxy: as for `Sikoia`, while it records.
            trust_env: as for `Sikoia`, while it records.

        Raises:
            CassetteError: the `with` block has not been entered.
        """
        if self._player is not None:
            return self._player
        if self._slots is None:
            msg = f"the cassette {self._path.name}: enter its with block first"
            raise CassetteError(msg)
        wire = Connector(beneath, tls, proxy, trust_env=trust_env)
        return Recorder(wire, self._scrubber, self._slots)
