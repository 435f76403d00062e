"""The checks behind the ledger's `assert_` methods; their messages have no personal data."""

from collections.abc import Iterable, Iterator, Sequence

from sikoia_async.sandbox.ledger.personal_data import PersonalDataFinder
from sikoia_async.sandbox.ledger.recorded_request import RecordedRequest

__all__ = [
    "charged_once_failure",
    "charged_twice_failure",
    "personal_data_failure",
    "require_id",
]

_MAX_LINES = 20
"""How many requests a message lists."""


def require_id(entity_id: object) -> None:
    """Require an id or None; anything else would silently match no charge.

    Raises:
        TypeError: It is not a string.
    """
    if not isinstance(entity_id, (str, type(None))):
        msg = f"entity_id: expected a string, not {type(entity_id).__name__}"
        raise TypeError(msg)


def charged_once_failure(
    ledger: Iterable[RecordedRequest], operation: str, entity_id: str | None
) -> str | None:
    """Return a message unless an operation was charged exactly once, in all or for one entity."""
    requests = [one for one in ledger if one.operation == operation]
    charged = [
        one for one in requests if one.cost and (entity_id is None or entity_id in one.charged_for)
    ]
    if len(charged) == 1:
        return None
    entity = "" if entity_id is None else f" for the entity {entity_id}"
    times = f"was charged {len(charged)} times" if charged else "was not charged"
    head = f"{operation} {times}{entity}, expected once"
    return _message(head, requests) if requests else f"{head}: it was never requested"


def charged_twice_failure(ledger: Iterable[RecordedRequest]) -> str | None:
    """Return a message if two charged requests are the same."""
    charged: dict[bytes, list[RecordedRequest]] = {}
    for one in ledger:
        if one.cost:
            charged.setdefault(one.fingerprint, []).append(one)
    repeated = [one for same in charged.values() if len(same) > 1 for one in same]
    if not repeated:
        return None
    return _message("charged more than once for the same path and body", repeated)


def personal_data_failure(
    ledger: Iterable[RecordedRequest], finder: PersonalDataFinder
) -> str | None:
    """Return a message if a path or a query contains personal data."""
    lines = [f"{one}; {problem}" for one in ledger for problem in _personal_data(one, finder)]
    return _listed("personal data in a URL", lines) if lines else None


def _personal_data(request: RecordedRequest, finder: PersonalDataFinder) -> Iterator[str]:
    for part, value in (("path", _parameters(request)), ("query", request.query)):
        if kinds := finder.kinds_in(value):
            yield f"its {part} has {', '.join(kinds)}"


def _parameters(request: RecordedRequest) -> str:
    """Return the path without the segments that are fixed for its operation."""
    segments = request.path.split("/")
    template = (request.operation or "").partition(" ")[2].split("/")
    if len(segments) != len(template):
        return request.path
    return "/".join(
        segment for segment, word in zip(segments, template, strict=True) if word.startswith("{")
    )


def _message(head: str, requests: Sequence[RecordedRequest]) -> str:
    return _listed(head, [str(one) for one in requests])


def _listed(head: str, lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - _MAX_LINES} more"] if len(lines) > _MAX_LINES else []
    return "\n  ".join([f"{head}:", *lines[:_MAX_LINES], *more])
