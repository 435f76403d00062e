"""How the cost of reading what strangers send grows with its size: n bytes, and 4n.

Linear work costs four times as much, quadratic work sixteen times. Every input is one that its
parser works hardest on, of those that we know. `ours` is the larger input, `peer` the smaller one.
"""

import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any, Final

from _measure import Row, Unit, at_most, is_quick, print_table, take_turns

from sikoia_async._calls.urls import target_of
from sikoia_async._codec.redaction import redact
from sikoia_async._hooks.correlation import validate_correlation_id
from sikoia_async._retry.policy import retry_after
from sikoia_async._validation import split_url
from sikoia_async.errors import SikoiaError
from sikoia_async.operations.token import TokenSigner
from sikoia_async.sandbox.scenario_files.toml_lines import parse as toml
from sikoia_async.testing import Cassette, CassetteError
from sikoia_async.webhooks import parse, sign, verify

__all__ = ["compare"]

Read = Callable[[Any], object]
Make = Callable[[int], Any]

_SECRET: Final = "0123456789abcdef0123456789abcdef"  # noqa: S105 - not a real secret
_SIGNATURE: Final = sign(b"{}", _SECRET)
_ORIGIN: Final = "https://api.example"
_SIGNER: Final = TokenSigner(_ORIGIN, _SECRET)
_MOST: Final = 8.0
"""Four for linear work, and a margin for caches and the allocator."""


def compare(*, quick: bool) -> list[Row]:
    """Compare two sizes for each parser, in time and in memory."""
    rounds, share = (1, 16) if quick else (5, 1)
    with tempfile.TemporaryDirectory() as folder:
        return [
            row
            for what, size, make, read in _parsers(Path(folder))
            for row in _rows(what, size // share, make, read, rounds)
        ]


def _parsers(folder: Path) -> list[tuple[str, int, Make, Read]]:
    """Return the name, the smaller size, the input and the parser of each."""
    return [
        ("signature header", 1 << 20, lambda n: "A" * n, lambda one: verify(b"{}", one, _SECRET)),
        (
            "unsigned body of quotes",
            1 << 12,
            lambda n: b'"' * n,
            lambda one: verify(one, _SIGNATURE, _SECRET),
        ),
        ("event, wide", 1 << 16, lambda n: b"{%b}" % b",".join(_fields(n)), _event),
        ("event, a list of numbers", 1 << 16, lambda n: b"[%b1]" % (b"1e5," * (n // 4)), _event),
        ("event, deep", 1 << 16, lambda n: b"[" * n, _event),
        ("event, one long string", 1 << 16, lambda n: b'{"a":"%b"}' % (b"/a" * (n // 2)), _event),
        ("operation token", 1 << 20, lambda n: f"op1.{'a.' * (n // 2)}", _SIGNER.read),
        ("Location or next page", 1 << 13, lambda n: "/a/.." * (n // 5), _target),
        ("link or callback URL", 1 << 20, lambda n: f"{_ORIGIN}/{'a@' * (n // 2)}", split_url),
        ("host of a URL", 1 << 20, lambda n: f"https://{'a.' * (n // 2)}", split_url),
        ("correlation id", 1 << 20, lambda n: "a" * n, validate_correlation_id),
        ("Retry-After", 1 << 20, lambda n: "9" * n, lambda one: retry_after(one, None)),
        ("error body, words", 1 << 14, lambda n: "Wilma " * (n // 6), redact),
        ("error body, one word", 1 << 14, lambda n: "x" * n, redact),
        ("scenarios in TOML", 1 << 15, lambda n: "[[scenarios]]\nname = 1\n" * (n // 23), toml),
        ("cassette", 1 << 16, lambda n: _cassette(folder, n), _replay),
    ]


def _rows(what: str, size: int, make: Make, read: Read, rounds: int) -> Iterator[Row]:
    inputs = {"ours": make(4 * size), "peer": make(size)}
    measures: tuple[tuple[Callable[[Read, Any], float], Unit], ...]
    measures = ((_seconds, "s"), (_memory, "bytes"))
    for measure, unit in measures:
        costs = take_turns(
            {name: partial(measure, read, one) for name, one in inputs.items()}, rounds
        )
        name = f"{what}, {4 * size:,} | {size:,}: {'time' if unit == 's' else 'memory'}"
        yield at_most(_MOST, name, costs["ours"], costs["peer"], unit)


def _seconds(read: Read, one: Any) -> float:
    started = process_time()
    _try(read, one)
    return process_time() - started


def _memory(read: Read, one: Any) -> float:
    tracemalloc.start()
    try:
        _try(read, one)
        return tracemalloc.get_traced_memory()[1] + 1024.0
    finally:
        tracemalloc.stop()


def _try(read: Read, one: Any) -> None:
    with suppress(SikoiaError, CassetteError):
        read(one)


def _fields(size: int) -> Iterator[bytes]:
    return (b'"%08d":"%08d"' % (number, number) for number in range(size // 22))


def _event(body: bytes) -> None:
    event = parse(body, max_body=len(body))
    _ = event.key, event.grouping_id, list(event.mentions())


def _target(url: str) -> object:
    return target_of(url, _ORIGIN)


def _cassette(folder: Path, size: int) -> Path:
    path = folder / f"{size}.json"
    one = '{"request":{"operation":"GET /v2/users"},"status":200,"json":[]}'
    path.write_text(f'{{"version":1,"interactions":[{",".join([one] * (size // len(one)))}]}}')
    return path


def _replay(path: Path) -> None:
    with Cassette(path):
        pass


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
