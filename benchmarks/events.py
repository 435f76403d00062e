"""Verification and parsing of a 10 KB event, compared with the HMAC of the same bytes.

Every receiver has to compute the HMAC. Our cost on top of it is the validation of the signature
header, the comparison, and one pass over the body to validate the JSON and find the event type.
`data` is decoded on access and not included.
"""

import hmac
import json
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from time import process_time
from typing import Any, Final

from _measure import Row, at_most, is_quick, print_table, race
from _transactions import as_report

from sikoia_async.webhooks import parse, payload, sign, verify

__all__ = ["compare"]

_SECRET: Final = "0123456789abcdef0123456789abcdef"  # noqa: S105 - not a real secret
_KEY: Final = _SECRET.encode()


def compare(*, quick: bool) -> list[Row]:
    """Compare all steps; each handles the same body some hundred times in a row."""
    rounds, times = (3, 50) if quick else (101, 200)
    return [
        *_rows("transactions", _body(13), rounds, times),
        *_rows("text", _text(), rounds, times),
    ]


def _rows(name: str, body: bytes, rounds: int, times: int) -> list[Row]:
    signature = sign(body, _SECRET)
    size = f"{len(body) / 1000:.1f} KB of {name}"
    works: dict[str, Callable[[], object]] = {
        "hmac": partial(hmac.digest, _KEY, body, "sha256"),
        "verify": partial(verify, body, signature, _SECRET),
        "parse": partial(parse, body),
        "both": partial(_both, body, signature),
        "skip": partial(payload.read_fields, body),
        "data": partial(_read, body),
        "key": lambda: sha256(payload.canonical(body)).hexdigest(),
    }
    spent = race({each: partial(_seconds, work, times) for each, work in works.items()}, rounds)
    row = partial(_row, spent)
    return [
        row(2, f"{size}, verify + parse | HMAC", "both"),
        row(None, "  verify alone | HMAC", "verify"),
        row(None, "  parse alone | HMAC", "parse"),
        row(None, "    of which JSON validation | HMAC", "skip"),
        row(None, "  parse and data | HMAC", "data"),
        row(None, "  replay guard key | HMAC", "key"),
    ]


def _row(spent: Any, target: float | None, what: str, name: str) -> Row:
    return at_most(target, what, spent[name], spent["hmac"], "s/call")


def _both(body: bytes, signature: str) -> None:
    verify(body, signature, _SECRET)
    parse(body)


def _read(body: bytes) -> Any:
    return parse(body).data


def _seconds(work: Callable[[], object], times: int) -> float:
    started = process_time()
    for _ in range(times):
        work()
    return (process_time() - started) / times


def _body(count: int) -> bytes:
    """Return an event with bank transactions, which have the densest JSON of the API."""
    envelope = {"event_type": "OpenBankingProcessing.Completed", "grouping_id": "g-1", "data": 0}
    return json.dumps(envelope).encode().replace(b": 0}", b": " + as_report(count) + b"}")


def _text() -> bytes:
    """Return an event that is mostly one long string with accents."""
    letter = "Überweisung naïve à la carte; " * 300
    event = {"event_type": "DocumentProcessing.Completed", "data": {"text": letter}}
    return json.dumps(event, ensure_ascii=False).encode()


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
