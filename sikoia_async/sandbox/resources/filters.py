"""The filters of the list of cases; each takes several values, separated by commas."""

from collections.abc import Callable, Iterable

from starlette.datastructures import QueryParams

from sikoia_async.sandbox.resources.case_bodies import CASE_TYPES, STAGES
from sikoia_async.sandbox.resources.field_rules import one_of
from sikoia_async.sandbox.state import Record

_RULES = {"case_type": one_of(*CASE_TYPES), "stage": one_of(*STAGES)}
_EXACT: dict[str, Callable[[Record], list[str]]] = {
    "case_type": lambda case: [case["case_type"]],
    "stage": lambda case: [case["stage"]],
    "source": lambda case: [case["source"]],
    "owner": lambda case: [case["owner"]],
    "owner_id": lambda case: [owner["owner_id"] for owner in case["ownership"]],
}
_SEARCHED = ("name", "reference", "description")


def select(cases: Iterable[Record], query: QueryParams) -> list[Record]:
    """Return the cases that match every filter.

    Raises:
        ApiError: A case type or a stage is unknown.
    """
    filters = {name: _values(query, name) for name in (*_EXACT, "keyword")}
    for name, rule in _RULES.items():
        # Unlike in the other filters, an empty value is an error here.
        for value in filters[name] or ([""] if name in query else []):
            rule(name, value)
    return [case for case in cases if _matches(case, filters)]


def _values(query: QueryParams, name: str) -> list[str]:
    return [value.strip() for value in query.get(name, "").split(",") if value.strip()]


def _matches(case: Record, filters: dict[str, list[str]]) -> bool:
    return _mentions(case, filters["keyword"]) and all(
        not set(filters[name]).isdisjoint(traits(case))
        for name, traits in _EXACT.items()
        if filters[name]
    )


def _mentions(case: Record, keywords: list[str]) -> bool:
    words = "\n".join(case[name] or "" for name in _SEARCHED).casefold()
    return not keywords or any(keyword.casefold() in words for keyword in keywords)
