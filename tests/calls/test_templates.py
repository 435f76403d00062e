"""The path templates of all resource methods: each is filled by exactly its own ids."""

import re
from typing import Any

import pytest
from contract import ENDPOINTS, Endpoint, ids
from faults import client

from sikoia_async import ConfigurationError
from sikoia_async._calls.urls import fill

_ALL = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=ids)
_WITH_IDS = pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS if "{" in one.path], ids=ids
)


def _ids_of(endpoint: Endpoint) -> dict[str, str]:
    return {name: f"the-{number}" for number, name in enumerate(sorted(endpoint.ids))}


def test_all_operations_are_covered() -> None:
    """71 operations, of which `POST /token` is not a method of a resource."""
    assert len(ENDPOINTS) == 70


@_ALL
def test_a_template_is_filled_by_the_ids_that_its_method_passes(endpoint: Endpoint) -> None:
    """Every placeholder is replaced, and nothing else."""
    values = _ids_of(endpoint)

    path = fill(endpoint.path, values)

    assert path == re.sub(r"\{(\w+)\}", lambda found: values[found[1]], endpoint.path)


@_WITH_IDS
def test_a_missing_id_is_named(endpoint: Endpoint) -> None:
    """Also if no ids are passed at all: braces are never sent."""
    values = _ids_of(endpoint)

    for name in values:
        rest = {other: value for other, value in values.items() if other != name}
        with pytest.raises(ConfigurationError, match=rf"^{name}: required by the path /v2/"):
            fill(endpoint.path, rest)
    with pytest.raises(ConfigurationError, match=rf"^{min(values)}: required by the path /v2/"):
        fill(endpoint.path, {})


@_WITH_IDS
def test_a_misspelt_id_is_an_error(endpoint: Endpoint) -> None:
    """The message names the placeholder that has no value."""
    values = _ids_of(endpoint)

    for name in values:
        misspelt = {other.replace("_", "") if other == name else other: "1" for other in values}
        with pytest.raises(ConfigurationError, match=rf"^{name}: required by the path /v2/"):
            fill(endpoint.path, misspelt)


@_ALL
def test_one_id_too_many_is_named(endpoint: Endpoint) -> None:
    """It would have no effect, so it is a mistake."""
    values = {**_ids_of(endpoint), "surplus_id": "1"}

    with pytest.raises(ConfigurationError, match=r"^surplus_id: not a placeholder of the path /v2"):
        fill(endpoint.path, values)


@pytest.mark.anyio
@pytest.mark.virtual_time
@pytest.mark.parametrize("given", [{}, {"caseid": "7"}, {"case_id": "7", "id": "8"}])
async def test_nothing_is_sent_for_a_path_that_cannot_be_filled(given: dict[str, Any]) -> None:
    """The error comes before the request, and the client stays usable."""
    sikoia = client("https://127.0.0.1:1")

    with pytest.raises(ConfigurationError, match=r"/v2/cases/\{case_id\}"):
        await sikoia.cases._api.get("/v2/cases/{case_id}", object, **given)  # pyright: ignore[reportPrivateUsage]

    assert sikoia.stats().attempts == 0
