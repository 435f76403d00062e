"""What a cassette holds: what was asked and what came of it, in order, and the file it is kept in.

The file is JSON that people can read and compare: one recording after the other, as they were asked
for. It is written beside its place and put there when it is whole; its owner alone may read it.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast
from uuid import uuid4

import attrs
import msgspec

from sikoia_async.testing.cassettes.ids import Pseudonyms

__all__ = [
    "Asked",
    "CassetteError",
    "Content",
    "Fault",
    "Recording",
    "Tape",
    "check_place",
    "ids_in",
    "read",
    "salt_of",
    "write",
]

Content = Literal["nothing", "json", "pdf", "xlsx", "png", "file", "text"]
"""What kind of body an answer has."""

Fault = Literal[
    "ConnectError",
    "ConnectTimeout",
    "PoolTimeout",
    "ProxyError",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "WriteError",
    "WriteTimeout",
]
"""What httpx raises where no whole answer comes."""

_VERSION: Final = 1


class CassetteError(Exception):
    """A cassette is missing or broken, or something else is asked than what it holds.

    It is no `SikoiaError`, so that the code under test does not take it for an answer of Sikoia's.
    """


@attrs.frozen(kw_only=True)
class Asked:
    """A request, as far as it may be kept; two that are equal are the same request."""

    operation: str
    """Such as `GET /v2/cases/{case_id}`."""
    ids: dict[str, str] = attrs.field(factory=dict[str, str])
    """What its path names."""
    query: dict[str, Any] = attrs.field(factory=dict[str, Any])
    body: Any = None

    @property
    def key(self) -> bytes:
        """What equal requests have in common."""
        return msgspec.json.encode(attrs.astuple(self, recurse=False), order="sorted")


@attrs.frozen(kw_only=True)
class Recording:
    """A request, and what came of it: an answer, or a fault, or an answer that broke off."""

    asked: Asked
    status: Annotated[int, msgspec.Meta(ge=100, le=999)] | None = None
    """None where no answer came."""
    headers: dict[str, str] = attrs.field(factory=dict[str, str])
    content: Content = "nothing"
    json: Any = None
    """The body, where it is JSON."""
    fault: Fault | None = None
    errno: str | None = None
    """The system's name for why, such as `ECONNRESET`."""


@attrs.frozen(kw_only=True)
class Tape:
    """All that a cassette holds."""

    version: int = _VERSION
    salt: str = attrs.field(factory=lambda: str(uuid4()))
    """What the ids in it were made with."""
    recorded: tuple[Recording, ...] = ()


def read(path: Path) -> Tape:
    """Read a cassette's file.

    Raises:
        CassetteError: it is not there, cannot be read, is of a newer version, or is no cassette.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        problem = f"it cannot be read: {os.strerror(error.errno or 0)}"
    else:
        try:
            return _tape(text)
        except _Unfit as unfit:
            problem = str(unfit)
    msg = f"the cassette {path.name}: {problem}; {_HOW}"
    raise CassetteError(msg)


def salt_of(path: Path) -> str:
    """Return the salt of the cassette that is there, so that ids stay as they are; or a new one."""
    try:
        return read(path).salt
    except CassetteError:
        return str(uuid4())


def write(path: Path, tape: Tape) -> None:
    """Write a cassette's file, all of it or nothing.

    Raises:
        CassetteError: it cannot be written there.
    """
    plain = msgspec.json.Encoder(decimal_format="number").encode(_without_defaults(tape))
    _refuse(path, _put(path, msgspec.json.format(plain, indent=2) + b"\n"))


def check_place(path: Path) -> None:
    """Try whether a cassette's file can be written, before there is anything to lose.

    Raises:
        CassetteError: it cannot.
    """
    _refuse(path, _put(path, None))


def _put(path: Path, text: bytes | None) -> str | None:
    """Write a file, or only try to if there is no text; return what is in the way."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Its owner alone may read a file that is made so.
        number, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(text or b"")
            if text is not None:
                Path(beside).replace(path)
        finally:
            Path(beside).unlink(missing_ok=True)
    except OSError as error:
        return os.strerror(error.errno or 0)
    return os.strerror(errno.EISDIR) if path.is_dir() else None


def _refuse(path: Path, problem: str | None) -> None:
    if problem is not None:
        msg = f"the cassette {path.name}: it cannot be written: {problem}"
        raise CassetteError(msg)


def ids_in(tape: Tape) -> frozenset[str]:
    """Return all ids in a cassette."""
    return Pseudonyms.found_in(msgspec.json.encode(tape).decode())


class _Unfit(Exception):  # noqa: N818 - a finding, which `read` puts into its words
    """The text is no cassette."""


def _tape(text: bytes) -> Tape:
    problem = "it is no JSON"
    try:
        found = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode(text)
        problem = f"it is not of version {_VERSION}, which is the one that this release knows"
        if found.get("version") == _VERSION:
            problem = "it is broken"
            tape = msgspec.convert(found, Tape)
            if all(one.status or one.fault for one in tape.recorded):
                return tape
    except msgspec.ValidationError as error:
        # Not the error's own words, which may have what stands there.
        problem += f" {''.join(_PLACE.findall(str(error)))}"
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    raise _Unfit(problem)


def _without_defaults(value: Any) -> Any:
    """Return plain Python of a tape, without what is as it is by itself."""
    if isinstance(value, tuple):
        return [_without_defaults(one) for one in cast("Any", value)]
    if not isinstance(value, Asked | Recording | Tape):
        return value
    found = {one.name: getattr(value, one.name) for one in attrs.fields(value.__class__)}
    return {
        name: _without_defaults(one)
        for name, one in found.items()
        if one is not None and one != _BARE.get(name)
    }


_BARE: Final[dict[str, Any]] = {"headers": {}, "ids": {}, "query": {}, "content": "nothing"}
_PLACE: Final = re.compile(r"at `\$[^`]*`")
_HOW: Final = (
    "record it with record=True, or with pytest --sikoia-record, "
    "which calls the environment that you name and may cost money there"
)
