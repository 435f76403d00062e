"""The file of a cassette: requests with their responses, in order, as readable JSON.

A file is written next to its final path and then moved there, so that it is always complete. Only
its owner can read it.
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

from sikoia_async.testing.cassettes.pseudonyms import Pseudonyms

__all__ = [
    "CassetteError",
    "Content",
    "Contents",
    "Fault",
    "Interaction",
    "RecordedRequest",
    "check_writable",
    "ids_in",
    "read",
    "salt_of",
    "write",
]

Content = Literal["nothing", "json", "pdf", "xlsx", "png", "file", "text"]
"""The kind of a response's body."""

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
"""The exception that httpx raises for a response that did not arrive, or not completely."""

_VERSION: Final = 1


class CassetteError(Exception):
    """A cassette is missing or invalid, or does not contain a request that was made.

    It is not a `SikoiaError`, so that the code under test does not handle it as an API error.
    """


@attrs.frozen(kw_only=True)
class RecordedRequest:
    """The parts of a request that a cassette keeps. Requests with equal parts are the same."""

    operation: str
    """Method and path template, such as `GET /v2/cases/{case_id}`."""
    ids: dict[str, str] = attrs.field(factory=dict[str, str])
    """The values of the path's placeholders."""
    query: dict[str, Any] = attrs.field(factory=dict[str, Any])
    body: Any = None

    @property
    def key(self) -> bytes:
        """A key that is equal for equal requests."""
        return msgspec.json.encode(attrs.astuple(self, recurse=False), order="sorted")


@attrs.frozen(kw_only=True)
class Interaction:
    """A request and its outcome: a response, a fault, or an incomplete response."""

    request: RecordedRequest
    status: Annotated[int, msgspec.Meta(ge=100, le=999)] | None = None
    """None if there was no response."""
    headers: dict[str, str] = attrs.field(factory=dict[str, str])
    content: Content = "nothing"
    json: Any = None
    """The body, if it is JSON."""
    fault: Fault | None = None
    errno: str | None = None
    """The system's name for the cause of a fault, such as `ECONNRESET`."""
    unsent: bool = False
    """Whether it is certain that the fault occurred before anything was sent."""


@attrs.frozen(kw_only=True)
class Contents:
    """The contents of a cassette's file."""

    version: int = _VERSION
    salt: str = attrs.field(factory=lambda: str(uuid4()))
    """The salt of the pseudonyms in it."""
    company_names: Literal["kept", "numbered"] = "kept"
    """Whether the names of companies are those of the recording."""
    interactions: tuple[Interaction, ...] = ()


def read(path: Path) -> Contents:
    """Read a cassette.

    Raises:
        CassetteError: the file is missing, unreadable, of another version or not a cassette.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        msg = f"run pytest --sikoia-record to record the cassette {path.name}, {_MISSING}"
        raise CassetteError(msg) from None
    except OSError as error:
        problem = f"cannot be read: {os.strerror(error.errno or 0)}"
    else:
        try:
            return _decoded(content)
        except _InvalidError as error:
            problem = str(error)
    msg = f"cassette {path.name}: {problem}; {_HINT}"
    raise CassetteError(msg)


def salt_of(path: Path) -> str:
    """Return the salt of an existing cassette, so that its pseudonyms stay, or a new one."""
    try:
        return read(path).salt
    except CassetteError:
        return str(uuid4())


def write(path: Path, contents: Contents) -> None:
    """Write a cassette, completely or not at all.

    Raises:
        CassetteError: the file cannot be written.
    """
    plain = msgspec.json.Encoder(decimal_format="number").encode(_without_defaults(contents))
    _raise_for(path, _replace(path, msgspec.json.format(plain, indent=2) + b"\n"))


def check_writable(path: Path) -> None:
    """Check that a cassette can be written, before requests are made that may cost money.

    Raises:
        CassetteError: the file cannot be written.
    """
    _raise_for(path, _replace(path, None))


def _replace(path: Path, content: bytes | None) -> str | None:
    """Write a file, or for None only try to. Return the problem, if there is one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp creates a file that only its owner can read.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content or b"")
            if content is not None:
                Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        return os.strerror(error.errno or 0)
    return os.strerror(errno.EISDIR) if path.is_dir() else None


def _raise_for(path: Path, problem: str | None) -> None:
    if problem is not None:
        msg = f"cassette {path.name}: cannot be written: {problem}"
        raise CassetteError(msg)


def ids_in(contents: Contents) -> frozenset[str]:
    """Return all UUIDs in a cassette."""
    return Pseudonyms.uuids_in(msgspec.json.encode(contents).decode())


class _InvalidError(Exception):
    """The content of a file is not a cassette of this version."""


def _decoded(content: bytes) -> Contents:
    problem = "not valid JSON"
    try:
        plain = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode(content)
        problem = f"not of version {_VERSION}, the only one that this release reads"
        if plain.get("version") == _VERSION:
            problem = "invalid"
            contents = msgspec.convert(plain, Contents)
            if all(one.status or one.fault for one in contents.interactions):
                return contents
    except msgspec.ValidationError as error:
        # Only the path of the message is shown, because the rest may repeat a value.
        problem += f" {''.join(_LOCATION.findall(str(error)))}"
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    raise _InvalidError(problem)


def _without_defaults(value: Any) -> Any:
    """Return plain Python values for contents, without fields that have their defaults."""
    if isinstance(value, tuple):
        return [_without_defaults(one) for one in cast("Any", value)]
    if not isinstance(value, RecordedRequest | Interaction | Contents):
        return value
    fields = {one.name: getattr(value, one.name) for one in attrs.fields(value.__class__)}
    return {
        name: _without_defaults(one)
        for name, one in fields.items()
        if one is not None and one != _DEFAULTS.get(name)
    }


_DEFAULTS: Final[dict[str, Any]] = {
    "headers": {},
    "ids": {},
    "query": {},
    "content": "nothing",
    "unsent": False,
    "company_names": "kept",
}
_LOCATION: Final = re.compile(r"at `\$[^`]*`")
_MISSING: Final = (
    "which does not exist, or Cassette(..., record=True) without pytest; recording calls the "
    "environment that you name and may cost money there"
)
_HINT: Final = (
    "record it with record=True or pytest --sikoia-record, "
    "which calls the environment that you name and may cost money there"
)
