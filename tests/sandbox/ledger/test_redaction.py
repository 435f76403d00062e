"""Secrets, which the ledger does not keep."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async.sandbox.ledger.redaction import (
    redacted_form,
    redacted_headers,
    redacted_sent,
    redacted_text,
)

SECRET = 's3cret&value"\\='
FORM = "application/x-www-form-urlencoded"
NAMES = ("access_token", "client_secret", "apikey", "shared_key", "sig")
secrets = st.text(min_size=4).map(lambda text: f"<{text}>")


@pytest.mark.parametrize(
    "name", [b"Authorization", b"authorization", b"APIKEY", b"cookie", b"Proxy-Authorization"]
)
def test_headers_of_credentials_have_no_value(name: bytes) -> None:
    """However their names are spelt; the others stay."""
    kept = redacted_headers([(b"accept", b"*/*"), (name, b"Bearer s3cret"), (b"x", b"")])

    assert kept == b"accept: */*\n" + name + b": [redacted]\nx: \n"


@given(secret=secrets, name=st.sampled_from(NAMES), other=st.text())
def test_a_form_has_no_secret(secret: str, name: str, other: str) -> None:
    """What else is in it stays as it is."""
    shown = urlencode({"grant_type": other})
    form = f"{shown}&{urlencode({name: secret})}&x"

    assert redacted_form(form) == f"{shown}&{name}=[redacted]&x"
    assert redacted_sent(form.encode(), FORM + "; charset=utf-8").decode() == redacted_form(form)


@pytest.mark.parametrize("name", ["client%5Fsecret", "+CLIENT_SECRET+", "%63lient_secret"])
def test_a_name_may_be_encoded(name: str) -> None:
    """It is the same field to whoever reads the form."""
    assert redacted_form(f"a=b&{name}=s3cret") == f"a=b&{name}=[redacted]"


@given(
    secret=secrets,
    name=st.sampled_from(NAMES),
    is_ascii=st.booleans(),
    indent=st.sampled_from([None, 2]),
)
def test_json_has_no_secret(secret: str, name: str, is_ascii: bool, indent: int | None) -> None:
    """Wherever it stands in it; the rest can be read as before."""
    secret = secret.encode("utf-8", "ignore").decode()
    body: dict[str, Any] = {"a": [{name: secret}], "b": {"c": "d"}, name: 7}
    written = json.dumps(body, ensure_ascii=is_ascii, indent=indent).encode()
    expected = {"a": [{name: "[redacted]"}], "b": {"c": "d"}, name: "[redacted]"}

    assert json.loads(redacted_text(written)) == expected
    assert json.loads(redacted_sent(written, "application/json")) == expected


@given(st.integers(1, 60))
def test_an_answer_that_was_cut_off_has_none(size: int) -> None:
    """A token may end anywhere, in the middle of what is escaped in it too."""
    answer = json.dumps({"access_token": '0\\"' * 9, "token_type": "Bearer"}).encode()

    assert b"0" not in redacted_text(answer[:size])


@pytest.mark.parametrize(
    "body", [b"--x\r\nname=client_secret\r\n\r\ns3cret\r\n--x--", b"client_secret=s3cret"]
)
def test_credentials_in_another_shape_are_left_out(body: bytes) -> None:
    """As a whole: nobody knows where they end."""
    assert redacted_sent(body, "multipart/form-data; boundary=x") == b"[redacted]"


def test_what_is_nearly_json_has_none() -> None:
    """A break of line after a backslash is none of JSON's, and ends no text."""
    assert redacted_text(b'{"access_token": "a\\\nb", "c": 1}') == (
        b'{"access_token": "[redacted]", "c": 1}'
    )


@pytest.mark.parametrize("body", [b"", b'{"name": "Loan"}', b"%PDF-1.7 sig password apikey"])
def test_all_else_stays_as_it_is(body: bytes) -> None:
    """A file may have any words in it."""
    assert redacted_sent(body, "application/json") == redacted_text(body) == body


def test_an_answer_may_speak_of_secrets() -> None:
    """Which field was wrong, say."""
    answer = b'{"error_description": "The client_secret is not one of this application."}'

    assert redacted_text(answer) == answer
    assert quote(SECRET) not in redacted_form(f"client_secret={quote(SECRET)}")
