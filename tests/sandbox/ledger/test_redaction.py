"""The ledger keeps no secrets."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async.sandbox.ledger.redaction import (
    redacted_form,
    redacted_headers,
    redacted_request_body,
    redacted_response_body,
)

SECRET = 's3cret&value"\\='
FORM = "application/x-www-form-urlencoded"
NAMES = ("access_token", "client_secret", "apikey", "shared_key", "sig")
secrets = st.text(min_size=4).map(lambda text: f"<{text}>")


@pytest.mark.parametrize(
    "name", [b"Authorization", b"authorization", b"APIKEY", b"cookie", b"Proxy-Authorization"]
)
def test_credentials_in_headers_are_redacted(name: bytes) -> None:
    """Whatever the case of the name; other headers stay."""
    kept = redacted_headers([(b"accept", b"*/*"), (name, b"Bearer s3cret"), (b"x", b"")])

    assert kept == b"accept: */*\n" + name + b": [redacted]\nx: \n"


@given(secret=secrets, name=st.sampled_from(NAMES), other=st.text())
def test_secrets_in_forms_are_redacted(secret: str, name: str, other: str) -> None:
    """Everything else stays."""
    shown = urlencode({"grant_type": other})
    form = f"{shown}&{urlencode({name: secret})}&x"

    assert redacted_form(form) == f"{shown}&{name}=[redacted]&x"
    assert redacted_request_body(form.encode(), FORM + "; charset=utf-8").decode() == redacted_form(
        form
    )


@pytest.mark.parametrize("name", ["client%5Fsecret", "+CLIENT_SECRET+", "%63lient_secret"])
def test_encoded_field_names_are_recognised(name: str) -> None:
    """They are the same field to a server."""
    assert redacted_form(f"a=b&{name}=s3cret") == f"a=b&{name}=[redacted]"


@given(
    secret=secrets,
    name=st.sampled_from(NAMES),
    is_ascii=st.booleans(),
    indent=st.sampled_from([None, 2]),
)
def test_secrets_in_json_are_redacted(
    secret: str, name: str, is_ascii: bool, indent: int | None
) -> None:
    """At any depth, and the result is still JSON."""
    secret = secret.encode("utf-8", "ignore").decode()
    body: dict[str, Any] = {"a": [{name: secret}], "b": {"c": "d"}, name: 7}
    written = json.dumps(body, ensure_ascii=is_ascii, indent=indent).encode()
    expected = {"a": [{name: "[redacted]"}], "b": {"c": "d"}, name: "[redacted]"}

    assert json.loads(redacted_response_body(written)) == expected
    assert json.loads(redacted_request_body(written, "application/json")) == expected


@given(st.integers(1, 60))
def test_secrets_in_truncated_json_are_redacted(size: int) -> None:
    """Even if the body ends inside an escape sequence."""
    body = json.dumps({"access_token": '0\\"' * 9, "token_type": "Bearer"}).encode()

    assert b"0" not in redacted_response_body(body[:size])


@pytest.mark.parametrize(
    "body", [b"--x\r\nname=client_secret\r\n\r\ns3cret\r\n--x--", b"client_secret=s3cret"]
)
def test_an_unknown_body_with_credentials_is_redacted_as_a_whole(body: bytes) -> None:
    """There is no telling where the credentials end."""
    assert redacted_request_body(body, "multipart/form-data; boundary=x") == b"[redacted]"


def test_secrets_in_malformed_json_are_redacted() -> None:
    """JSON does not allow an escaped line break, but a client may send one."""
    assert redacted_response_body(b'{"access_token": "a\\\nb", "c": 1}') == (
        b'{"access_token": "[redacted]", "c": 1}'
    )


@pytest.mark.parametrize("body", [b"", b'{"name": "Loan"}', b"%PDF-1.7 sig password apikey"])
def test_bodies_without_secrets_are_unchanged(body: bytes) -> None:
    """Files may contain the names of secret fields."""
    assert redacted_request_body(body, "application/json") == redacted_response_body(body) == body


def test_messages_that_mention_a_secret_field_are_unchanged() -> None:
    """They have the name of the field, not its value."""
    body = b'{"error_description": "The client_secret is not one of this application."}'

    assert redacted_response_body(body) == body
    assert quote(SECRET) not in redacted_form(f"client_secret={quote(SECRET)}")
