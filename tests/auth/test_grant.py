"""Responses of the token endpoint."""

import httpx
import pytest

from sikoia_async._auth.grant import Grant, Refusal, read_grant
from sikoia_async._transport.types import Response


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"access_token": "a", "expires_in": 3600}',
        b'{"access_token": "a", "expires_in": 3600, "token_type": null}',
        b'{"access_token": "a", "expires_in": 3600, "token_type": ""}',
    ],
    ids=["byte order mark", "null", "empty"],
)
def test_harmless_oddities_are_accepted(body: bytes) -> None:
    """A byte order mark and an empty token_type do not make a grant unusable."""
    assert read_grant(Response(201, httpx.Headers(), body, None)) == Grant("a", 3600.0)


@pytest.mark.parametrize("kind", ["0", "false", "[]", "{}", '" "', '"MAC"'])
def test_any_other_token_type_is_refused(kind: str) -> None:
    """Only null and an empty string count as missing."""
    body = f'{{"access_token": "a", "expires_in": 3600, "token_type": {kind}}}'.encode()

    assert isinstance(read_grant(Response(201, httpx.Headers(), body, None)), Refusal)
