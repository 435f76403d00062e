"""Webhook signatures: which deliveries are accepted, and what errors reveal."""

import base64
import hmac
import json
import logging
import pickle
import re
import subprocess
import sys
import traceback
from typing import Any

import pytest
from faults import assert_plain, chain
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async.errors import ArgumentTypeError, ConfigurationError, WebhookVerificationError
from sikoia_async.resources.webhooks import WebhookSecret
from sikoia_async.webhooks import SIGNATURE_HEADER, sign, signing, verify
from sikoia_async.webhooks.reformatting import reformatted

SECRET = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
BODY = b'{"event_type":"BankingProcessing.Completed"}'
SIGNATURE = "JJgGFVBd03rKVI652BAhCfHANwxcLNUK7L2wVqPxpeY="
ZEROS = "A" * 43 + "="
CANARY = "canary-value"

MISMATCH = "matches none of the secrets"
MALFORMED = "is not one Base64 string of 32 bytes"
MISSING = "the X-HMAC-SHA256-Signature header is missing"
REFORMATTED = "matches the same JSON with other white space"


def refused(body: bytes, signature: Any, secrets: Any = SECRET, **options: Any) -> str:
    """Return the message with which a delivery is refused."""
    with pytest.raises(WebhookVerificationError) as caught:
        verify(body, signature, secrets, **options)
    assert type(caught.value) is WebhookVerificationError
    assert list(chain(caught.value)) == [caught.value]
    return str(caught.value)


def with_bit_changed(original: bytes, bit: int) -> bytes:
    """Return bytes with one bit changed."""
    changed = bytearray(original)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# --- valid signatures


@pytest.mark.parametrize(
    ("body", "secret", "signature"),
    [
        (b"", SECRET, "eWzTB4rxRjZ1PSaztVVUIv9Vo+Jhz4R7SOlTcbm9CqI="),
        (BODY, SECRET, SIGNATURE),
        (b"\xff\x00\xfe", SECRET, "LtmixAS7JfP51IyXzz8MpV9WeZr/sKZFquU+Di3LX1I="),
        (
            "Übung".encode(),
            "clé-secrète-été-naïve",
            "klrRKoiDQ5apPw1lzgjRMlSsfCFWxY+pH++9qZ1RtcE=",
        ),
    ],
    ids=["empty", "JSON", "not UTF-8", "accents"],
)
def test_known_signatures(body: bytes, secret: str, signature: str) -> None:
    """L1: signatures are those of `openssl dgst -sha256 -hmac SECRET -binary | base64`."""
    assert sign(body, secret) == signature
    assert verify(body, signature, secret) == 0


@given(st.binary(max_size=2000), st.binary(min_size=16, max_size=40))
def test_a_signed_body_is_accepted(body: bytes, key: bytes) -> None:
    """L1: whatever the body is, and whether the header is a string or bytes."""
    signature = sign(body, key.hex())

    assert verify(body, signature, key.hex()) == 0
    assert verify(body, signature.encode(), [key.hex()]) == 0


def test_a_body_may_have_a_mebibyte() -> None:
    """L1: unless `max_body` says otherwise. A larger body is refused before it is hashed."""
    body = bytes(1 << 20)
    larger = body + b"x"

    assert verify(body, sign(body, SECRET), SECRET) == 0
    assert verify(larger, sign(larger, SECRET), SECRET, max_body=1 << 21) == 0
    assert refused(larger, sign(larger, SECRET)) == "the body is larger than max_body"
    assert refused(larger, "junk") == "the body is larger than max_body"
    assert refused(BODY, SIGNATURE, max_body=1) == "the body is larger than max_body"


def test_the_response_of_the_api_is_a_secret() -> None:
    """The result of `webhooks.secret` can be passed, alone or with others."""
    secret = WebhookSecret(shared_key=SECRET)

    assert sign(BODY, secret) == SIGNATURE
    assert verify(BODY, SIGNATURE, secret) == 0
    assert verify(BODY, SIGNATURE, (OTHER, secret)) == 1


# --- rotation


@pytest.mark.parametrize(
    ("secrets", "index"),
    [([SECRET, OTHER], 0), ([OTHER, SECRET], 1), ((OTHER, OTHER, SECRET), 2), ([SECRET] * 2, 0)],
)
def test_the_index_says_which_secret_matched(secrets: Any, index: int) -> None:
    """L5: during a rotation both secrets are accepted."""
    assert verify(BODY, SIGNATURE, secrets) == index


def test_a_removed_secret_is_refused() -> None:
    """L5: after the rotation the old one no longer counts."""
    assert MISMATCH in refused(BODY, SIGNATURE, [OTHER])


@pytest.mark.parametrize("secrets", [[SECRET, OTHER, OTHER], [OTHER, OTHER, SECRET], [OTHER] * 3])
def test_every_secret_is_compared_in_constant_time(
    secrets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """L7: by `hmac.compare_digest`, and all of them, whichever matches."""
    compared: list[tuple[bytes, bytes]] = []

    def recorded(expected: bytes, actual: bytes) -> bool:
        compared.append((expected, actual))
        return hmac.compare_digest(expected, actual)

    monkeypatch.setattr(signing, "compare_digest", recorded)
    matches = SECRET in secrets
    body = BODY if matches else bytes(1 << 15)  # too large to look for reformatted JSON

    if matches:
        verify(body, SIGNATURE, secrets)
    else:
        refused(body, SIGNATURE, secrets)

    assert compared == [(sign(body, secret).encode(), SIGNATURE.encode()) for secret in secrets]


# --- invalid signatures


@given(st.data(), st.binary(min_size=1, max_size=200))
def test_a_changed_bit_of_the_body_is_refused(data: st.DataObject, body: bytes) -> None:
    """L2: any bit."""
    bit = data.draw(st.integers(0, len(body) * 8 - 1))

    refused(with_bit_changed(body, bit), sign(body, SECRET))


@pytest.mark.parametrize("body", [b"", BODY])
def test_a_changed_bit_of_the_signature_is_refused(body: bytes) -> None:
    """L2: every bit, including those of the last digit, which most decoders ignore."""
    signature = sign(body, SECRET).encode()

    for bit in range(len(signature) * 8):
        refused(body, with_bit_changed(signature, bit))
        refused(body, with_bit_changed(signature, bit).decode("latin-1"))


HEADERS: dict[str, tuple[Any, str]] = {
    "none": (None, MISSING),
    "empty": ("", MISSING),
    "empty bytes": (b"", MISSING),
    "space": (" ", MALFORMED),
    "list": ([SIGNATURE], MALFORMED),
    "empty list": ([], MALFORMED),
    "number": (7, MALFORMED),
    "bytearray": (bytearray(SIGNATURE.encode()), MALFORMED),
    "two headers": (f"{SIGNATURE}, {SIGNATURE}", MALFORMED),
    "two headers as bytes": (f"{SIGNATURE},{SIGNATURE}".encode(), MALFORMED),
    "space before": (f" {SIGNATURE}", MALFORMED),
    "space after": (f"{SIGNATURE} ", MALFORMED),
    "newline": (f"{SIGNATURE}\n", MALFORMED),
    "newline as bytes": (f"{SIGNATURE}\n".encode(), MALFORMED),
    "newline within": (f"{SIGNATURE[:20]}\r\n{SIGNATURE[20:]}", MALFORMED),
    "no padding": (SIGNATURE[:-1], MALFORMED),
    "much padding": (f"{SIGNATURE}=", MALFORMED),
    "31 bytes": (f"{SIGNATURE[:42]}==", MALFORMED),
    "another spelling": (f"{SIGNATURE[:42]}{chr(ord(SIGNATURE[42]) + 1)}=", MALFORMED),
    "hex": (base64.b64decode(SIGNATURE).hex(), MALFORMED),
    "digest": (base64.b64decode(SIGNATURE), MALFORMED),
    "url-safe": (f"-_{SIGNATURE[2:]}", MALFORMED),
    "prefix": (f"sha256={SIGNATURE}", MALFORMED),
    "full width": (f"\uff2a{SIGNATURE[1:]}", MALFORMED),
    "accent": (f"é{SIGNATURE[1:]}", MALFORMED),
    "surrogate": (f"\udcff{SIGNATURE[1:]}", MALFORMED),
    "not ASCII": (b"\xff" * 44, MALFORMED),
    "10 MB": ("A" * 10_000_000, MALFORMED),
    "10 MB of bytes": (b"A" * 10_000_000, MALFORMED),
    "zeros": (ZEROS, MISMATCH),
    "another secret's": (sign(BODY, OTHER), MISMATCH),
    "another body's": (sign(b"", SECRET), MISMATCH),
}


@pytest.mark.parametrize(("header", "message"), HEADERS.values(), ids=list(HEADERS))
def test_a_malformed_header_is_refused(header: Any, message: str) -> None:
    """L3: with a constant message and one error class, whatever the header is."""
    assert message in refused(BODY, header)


@given(
    st.one_of(st.text(), st.binary(), st.none(), st.lists(st.text()), st.integers(), st.floats())
)
def test_any_junk_is_refused_in_the_same_way(header: Any) -> None:
    """L3: no header leads to another error."""
    message = refused(BODY, header)

    assert any(known in message for known in (MISSING, MALFORMED, MISMATCH))


@pytest.mark.parametrize(
    "body",
    ["{}", {"a": 1}, None, [b"{}"], bytearray(b"{}"), 7],
    ids=["string", "JSON", "none", "list", "bytearray", "number"],
)
def test_only_bytes_are_a_body(body: Any) -> None:
    """A string or parsed JSON from a framework is not what was signed."""
    with pytest.raises(ArgumentTypeError, match=r"^body: "):
        verify(body, SIGNATURE, SECRET)
    with pytest.raises(ArgumentTypeError, match=r"^body: "):
        sign(body, SECRET)


@pytest.mark.parametrize("most", [0, -1, 1.5, "1", None, True])
def test_the_limit_is_a_whole_number(most: Any) -> None:
    """It cannot be switched off."""
    with pytest.raises(ConfigurationError, match=r"^max_body: expected a whole number"):
        verify(BODY, SIGNATURE, SECRET, max_body=most)


# --- reformatted JSON


@pytest.mark.parametrize(
    "document",
    [
        {"a": [1, {"b": None}], "c": 'x: y, z  \\ " \\\\', "d": {}},
        [],
        {"event type": 'a "quoted" word,\\', "n": -1.5e3},
    ],
)
@pytest.mark.parametrize(
    ("sent", "passed"),
    [
        ({"separators": (",", ":")}, {}),
        ({"separators": (",", ":")}, {"indent": 2}),
        ({}, {"separators": (",", ":")}),
        ({}, {"indent": "\t"}),
    ],
    ids=["spaces", "indented", "compact", "not indented"],
)
def test_reformatted_json_gets_a_message_of_its_own(
    document: Any, sent: dict[str, Any], passed: dict[str, Any]
) -> None:
    """L6: it is still refused, but the message says that the JSON was serialised again."""
    signature = sign(json.dumps(document, **sent).encode(), SECRET)
    body = json.dumps(document, **passed).encode() + b"\n"

    assert REFORMATTED in refused(body, signature, [OTHER, SECRET])


def test_spaces_in_a_string_are_content() -> None:
    """L6: a changed value is not reformatted JSON."""
    assert MISMATCH in refused(b'{"a":"b  c"}', sign(b'{"a":"b c"}', SECRET))
    assert MISMATCH in refused(b'{"a":"b,c"}', sign(b'{"a":"b, c"}', SECRET))


def test_a_large_body_is_not_reformatted() -> None:
    """L6: anybody can cause this work, so it must be cheap."""
    compact = json.dumps(["x" * 100] * 1000, separators=(",", ":")).encode()

    assert MISMATCH in refused(json.dumps(["x" * 100] * 1000).encode(), sign(compact, SECRET))


@pytest.mark.parametrize(
    "piece", [b'"', b'\\"', b'"\\', b'""', b'"\\\\', b"\n", b",", b"[", b"\xff", b'"\\\n']
)
def test_reformatting_takes_linear_time(piece: bytes) -> None:
    """L6: whatever the body is."""
    body = (b'"' + piece * (1 << 18))[: 1 << 18]  # with quadratic time, this would take minutes

    spellings = list(reformatted(body))

    assert len(spellings) == 2
    assert max(map(len, spellings)) <= 2 * len(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON, st.sampled_from([None, 0, 2, "\t"]))
@pytest.mark.parametrize("ascii_only", [True, False], ids=["escapes", "UTF-8"])
def test_json_is_reformatted_as_python_would(ascii_only: bool, document: Any, indent: Any) -> None:
    """L6: that is, as `json.dumps` would."""
    written = json.dumps(document, indent=indent, ensure_ascii=ascii_only)

    assert [spelling.decode() for spelling in reformatted(written.encode())] == [
        json.dumps(document, separators=(",", ":"), ensure_ascii=ascii_only),
        json.dumps(document, ensure_ascii=ascii_only),
    ]


@given(st.binary(max_size=300))
def test_any_body_can_be_reformatted(body: bytes) -> None:
    """L6: a body that is not JSON leads to the same error."""
    assert MISMATCH in refused(body, ZEROS)


# --- secrets


EMPTY = "expected a webhook secret, but it is empty"
SHORT = "expected a webhook secret, but it is shorter than 16 characters"
BROKEN = "expected a webhook secret, but it is malformed (does the file that it comes from end"
NOT_A_STRING = "expected the shared_key of the webhook secret, as a string"
BAD_SECRETS: dict[str, tuple[Any, str]] = {
    "empty": ("", EMPTY),
    "blank": (" " * 40, EMPTY),
    "newline": ("\n", EMPTY),
    "three": ("abc", SHORT),
    "fifteen": ("x" * 15, SHORT),
    "newline after": (f"{SECRET}\n", BROKEN),
    "space before": (f" {SECRET}", BROKEN),
    "control": (f"{SECRET}\x00{SECRET}", BROKEN),
    "surrogate": (f"{SECRET}\ud800", BROKEN),
    "none": (None, NOT_A_STRING),
    "bytes": (SECRET.encode(), NOT_A_STRING),
    "number": (7, NOT_A_STRING),
    "set": ({SECRET}, NOT_A_STRING),
    "empty model": (WebhookSecret(shared_key=""), EMPTY),
    "empty list": ([], "expected at least one"),
    "empty tuple": ((), "expected at least one"),
    "one is empty": ([SECRET, ""], EMPTY),
    "one is None": ([SECRET, None], NOT_A_STRING),
    "list in list": ([[SECRET]], NOT_A_STRING),
}


@pytest.mark.parametrize(("secrets", "message"), BAD_SECRETS.values(), ids=list(BAD_SECRETS))
def test_an_invalid_secret_is_refused(secrets: Any, message: str) -> None:
    """L4: with an empty secret anybody could sign. All are checked, whatever was delivered."""
    for signature in (SIGNATURE, None):
        with pytest.raises(ConfigurationError) as caught:
            verify(BODY, signature, secrets)

        assert re.match(rf"secrets(\[[01]\])?: {re.escape(message)}", str(caught.value))
        assert isinstance(caught.value, ArgumentTypeError) is (message == NOT_A_STRING)


@pytest.mark.parametrize(
    "secret", ["", " " * 16, "x" * 15, f"{SECRET}\n", None, b"x" * 32, [SECRET]]
)
def test_sign_refuses_an_invalid_secret_too(secret: Any) -> None:
    """L4: a test that signs with an empty secret would prove nothing."""
    with pytest.raises(ConfigurationError, match=r"^secret: "):
        sign(BODY, secret)


def test_sixteen_characters_are_a_secret() -> None:
    """L4: that is the shortest one."""
    assert verify(BODY, sign(BODY, "x" * 16), "x" * 16) == 0


# --- what errors reveal


@pytest.mark.parametrize(
    ("body", "signature", "options"),
    [
        (f'["{CANARY}"]', CANARY, {}),
        (f'["{CANARY}"]', None, {}),
        (f'["{CANARY}"]', ZEROS, {}),
        (f'["{CANARY}", 1]', sign(f'["{CANARY}",1]'.encode(), CANARY * 2), {}),
        (f'["{CANARY}"]', CANARY, {"max_body": 1}),
    ],
    ids=["malformed", "missing", "mismatch", "reformatted", "large"],
)
def test_nothing_of_a_delivery_is_in_its_error(
    body: str, signature: str | None, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """L11: neither its message, its pickle nor the variables of the SDK; nothing is logged."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(WebhookVerificationError) as caught:
        verify(body.encode(), signature, [CANARY * 2], **options)

    error = caught.value
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert_plain(error)
    assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), {})
    assert not any(part in everything_in(error) for part in (CANARY, signature or CANARY))
    assert caplog.records == []


@pytest.mark.parametrize("secrets", [f"{CANARY}\n{CANARY}", [CANARY], (CANARY, None)])
def test_a_refused_secret_is_in_no_variable(secrets: Any) -> None:
    """L11: neither the message nor any frame contains it."""
    with pytest.raises(ConfigurationError) as caught:
        verify(CANARY.encode(), CANARY, secrets)

    assert CANARY not in everything_in(caught.value)


def everything_in(error: Exception) -> str:
    """Return all that a tool can report: message, pickle, and the variables of the SDK's frames."""
    traceback_ = error.__traceback__
    assert traceback_
    trace = traceback.TracebackException(
        type(error), error, traceback_.tb_next, capture_locals=True, lookup_lines=False
    )
    variables = [frame.locals for frame in trace.stack]
    return f"{error!r} {error.args} {vars(error)} {pickle.dumps(error, 0)!r} {variables}"


# --- what gets imported


@pytest.mark.parametrize(
    "statement",
    ["import sikoia_async.webhooks.signing", "from sikoia_async.webhooks import sign, verify"],
)
def test_verifying_needs_no_client(statement: str) -> None:
    """A receiver that only verifies loads neither httpx nor an event loop."""
    script = f"import sys; {statement}; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    loaded = set(subprocess.check_output(command, text=True).split())

    assert "sikoia_async.webhooks.signing" in loaded
    assert loaded & {"anyio", "asyncio", "httpx", "msgspec", "cattrs", "ssl"} == set()


def test_the_header_has_its_documented_name() -> None:
    """As in Sikoia's documentation."""
    assert SIGNATURE_HEADER == "X-HMAC-SHA256-Signature"
