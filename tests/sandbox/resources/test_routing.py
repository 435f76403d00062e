"""Paths, methods and bodies."""

import httpx
import pytest


@pytest.mark.parametrize("path", ["/", "/users", "/cases", "/v1/cases", "/v2/cases/", "/V2/a"])
def test_an_unknown_path_is_not_found(client: httpx.Client, path: str) -> None:
    """A path needs its version, and has no slash at its end."""
    response = client.get(path)

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")


def test_a_wrong_method_is_refused(client: httpx.Client) -> None:
    """The refusal lists the methods of the path."""
    response = client.put("/v2/cases", json={})

    assert (response.status_code, response.json()["type"]) == (405, "InvalidRequest")
    assert response.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"", "The body must be JSON."),
        (b"{", "The body must be JSON."),
        (b"\xff", "The body must be JSON."),
        ("{}".encode("utf-16"), "The body must be JSON."),
        ("{}".encode("utf-16-le"), "The body must be JSON."),
        ("{}".encode("utf-32"), "The body must be JSON."),
        (b"[" * 100_000, "The body must be JSON."),
        (b'{"name": NaN}', "The body must be JSON."),
        (b'{"name": "\\ud800"}', "The body must be JSON."),
        (b"[]", "The body must be an object."),
        (b"null", "The body must be an object."),
    ],
    ids=[
        "empty",
        "cut",
        "no text",
        "utf-16",
        "utf-16-le",
        "utf-32",
        "deep",
        "not a number",
        "half a pair",
        "list",
        "null",
    ],
)
def test_a_body_must_be_a_json_object(client: httpx.Client, content: bytes, detail: str) -> None:
    """Any other body is an invalid request."""
    response = client.post("/v2/cases", content=content)

    assert (response.status_code, response.json()["type"]) == (400, "InvalidRequest")
    assert response.json()["detail"] == detail
