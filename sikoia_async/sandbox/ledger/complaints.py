"""What a ledger is asked about in tests: what is amiss in it, in words without personal data."""

from collections.abc import Iterable, Iterator, Sequence

from sikoia_async.sandbox.ledger.asked import Asked
from sikoia_async.sandbox.ledger.personal import Personal

__all__ = ["charged_otherwise", "charged_twice", "personal_in_urls"]

_MOST = 20
"""How many requests a message shows."""


def charged_otherwise(ledger: Iterable[Asked], operation: str, entity_id: str | None) -> str | None:
    """Complain unless an operation was charged once, in all or for one entity."""
    asked = [one for one in ledger if one.operation == operation]
    charged = [
        one for one in asked if one.cost and (entity_id is None or entity_id in one.charged_for)
    ]
    if len(charged) == 1:
        return None
    about = "" if entity_id is None else f" for the entity {entity_id}"
    was = f"was charged {len(charged)} times" if charged else "was not charged"
    head = f"{operation} {was}{about}, and should be once"
    return _message(head, asked) if asked else f"{head}: nobody asked for it"


def charged_twice(ledger: Iterable[Asked]) -> str | None:
    """Complain of charges that are for the same."""
    found: dict[bytes, list[Asked]] = {}
    for one in ledger:
        if one.cost:
            found.setdefault(one.target, []).append(one)
    again = [one for same in found.values() if len(same) > 1 for one in same]
    return _message("charged more than once for the same path and body", again) if again else None


def personal_in_urls(ledger: Iterable[Asked], known: Personal) -> str | None:
    """Complain of paths and queries that tell of a person."""
    lines = [f"{one}; {told}" for one in ledger for told in _told(one, known)]
    return _listed("personal data in a URL", lines) if lines else None


def _told(asked: Asked, known: Personal) -> Iterator[str]:
    for place, text in (("path", _without_words(asked)), ("query", asked.query)):
        if kinds := known.kinds_in(text):
            yield f"its {place} has {', '.join(kinds)}"


def _without_words(asked: Asked) -> str:
    """Leave out of a path what its operation has in it for everybody."""
    parts = asked.path.split("/")
    template = (asked.operation or "").partition(" ")[2].split("/")
    if len(parts) != len(template):
        return asked.path
    return "/".join(
        part for part, word in zip(parts, template, strict=True) if word.startswith("{")
    )


def _message(head: str, requests: Sequence[Asked]) -> str:
    return _listed(head, [str(one) for one in requests])


def _listed(head: str, lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return "\n  ".join([f"{head}:", *lines[:_MOST], *more])
