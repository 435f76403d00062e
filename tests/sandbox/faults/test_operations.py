"""The index of operations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from sikoia_async.sandbox.faults.operations import Operations
from sikoia_async.sandbox.resources.routing import Resource


async def _handle(_request: Request) -> Response:
    """Is never called."""
    raise NotImplementedError


ROUTES = [
    Route("/v2/cases", Resource(get=_handle, post=_handle)),
    Route("/v2/webhooks/secrets", Resource(get=_handle)),
    Route("/v2/webhooks/{webhook_id}", Resource(get=_handle)),
    Route("/v2/{entity_type}/{entity_id}/documents", Resource(get=_handle)),
]
OPERATIONS = Operations(ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/v2/cases", "GET /v2/cases"),
        ("PUT", "/v2/cases", None),
        ("GET", "/v2/cases/", None),
        ("GET", "/v2/webhooks/secrets", "GET /v2/webhooks/secrets"),
        ("GET", "/v2/webhooks/one", "GET /v2/webhooks/{webhook_id}"),
        ("GET", "/v2/webhooks/", None),
        ("GET", "/v2/cases/one/documents", "GET /v2/{entity_type}/{entity_id}/documents"),
        ("GET", "", None),
    ],
)
def test_a_request_matches_an_operation(method: str, path: str, name: str | None) -> None:
    """Literal segments come before parameters, which are never empty."""
    assert OPERATIONS.of(method, path) == name


@given(st.lists(st.sampled_from(["v2", "cases", "webhooks", "secrets", "documents", "x", ""])))
def test_operations_match_like_the_router(parts: list[str]) -> None:
    """The first matching route wins."""
    path = "/" + "/".join(parts)
    scope = {"type": "http", "method": "GET", "path": path, "root_path": ""}
    matching = [route.path for route in ROUTES if route.matches(scope)[0] is Match.FULL]

    assert OPERATIONS.of("GET", path) == next((f"GET {one}" for one in matching), None)


def test_parameter_names_do_not_matter() -> None:
    """Only their positions do; the error for an unknown operation has the closest names."""
    assert OPERATIONS.known("GET /v2/webhooks/{id}") == "GET /v2/webhooks/{webhook_id}"
    with pytest.raises(ValueError, match=r"'GET /v2/case'; the closest are GET /v2/cases, "):
        OPERATIONS.known("GET /v2/case")
    assert OPERATIONS.names[:2] == ("GET /v2/cases", "POST /v2/cases")
