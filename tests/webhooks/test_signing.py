"""Signatures of deliveries: what fits, what does not, and what an error shows of it."""

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
from sikoia_async.webhooks import signing
from sikoia_async.webhooks.signing import SIGNATURE_HEADER, sign, verify

SECRET = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
BODY = b'{"event_type":"BankingProcessing.Completed"}'
SIGNATURE = "JJgGFVBd03rKVI652BAhCfHANwxcLNUK7L2wVqPxpeY="
ZEROS = "A" * 43 + "="
CANARY = "canary-value"

UNFIT = "fits none of the secrets"
MALFORMED = "is not one Base64 text of 32 bytes"
MISSING = "there is no X-HMAC-SHA256-Signature"
HINT = "fits the same JSON with other spaces"


def refused(body: bytes, signature: Any, secrets: Any = SECRET, **options: Any) -> str:
    """Return in what words a delivery is refused."""
    with pytest.raises(WebhookVerificationError) as caught:
        verify(body, signature, secrets, **options)
    assert type(caught.value) is WebhookVerificationError
    assert list(chain(caught.value)) == [caught.value]
    return str(caught.value)


def with_bit_changed(text: bytes, bit: int) -> bytes:
    """Return bytes of which one bit is another."""
    changed = bytearray(text)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# --- what fits


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
    ids=["empty", "JSON", "no UTF-8", "accents"],
)
def test_known_signatures(body: bytes, secret: str, signature: str) -> None:
    """L1: signatures are those of `openssl dgst -sha256 -hmac SECRET -binary | base64`."""
    assert sign(body, secret) == signature
    assert verify(body, signature, secret) == 0


@given(st.binary(max_size=2000), st.binary(min_size=16, max_size=40))
def test_what_was_signed_is_taken(body: bytes, key: bytes) -> None:
    """L1: whatever bytes the body holds, and whether the header comes as text or as bytes."""
    signature = sign(body, key.hex())

    assert verify(body, signature, key.hex()) == 0
    assert verify(body, signature.encode(), [key.hex()]) == 0


def test_a_body_may_have_a_mebibyte() -> None:
    """L1: no more, unless asked for; a larger one is refused before anything is counted."""
    body = bytes(1 << 20)
    larger = body + b"x"

    assert verify(body, sign(body, SECRET), SECRET) == 0
    assert verify(larger, sign(larger, SECRET), SECRET, max_body=1 << 21) == 0
    assert refused(larger, sign(larger, SECRET)) == "the body is larger than max_body"
    assert refused(larger, "junk") == "the body is larger than max_body"
    assert refused(BODY, SIGNATURE, max_body=1) == "the body is larger than max_body"


def test_what_sikoia_gives_is_a_secret() -> None:
    """The answer of `webhooks.secret` can be passed as it is, alone or with others."""
    secret = WebhookSecret(shared_key=SECRET)

    assert sign(BODY, secret) == SIGNATURE
    assert verify(BODY, SIGNATURE, secret) == 0
    assert verify(BODY, SIGNATURE, (OTHER, secret)) == 1


# --- rotation


@pytest.mark.parametrize(
    ("secrets", "index"),
    [([SECRET, OTHER], 0), ([OTHER, SECRET], 1), ((OTHER, OTHER, SECRET), 2), ([SECRET] * 2, 0)],
)
def test_the_index_tells_which_secret_fits(secrets: Any, index: int) -> None:
    """L5: while a secret is rotated, old and new are both good."""
    assert verify(BODY, SIGNATURE, secrets) == index


def test_a_secret_that_was_taken_away_fits_no_more() -> None:
    """L5: after the rotation the old one is not asked any more."""
    assert UNFIT in refused(BODY, SIGNATURE, [OTHER])


@pytest.mark.parametrize("secrets", [[SECRET, OTHER, OTHER], [OTHER, OTHER, SECRET], [OTHER] * 3])
def test_every_secret_is_compared_in_constant_time(
    secrets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """L7: by the function that is made for it, whole and always, whichever of them fits."""
    seen: list[tuple[bytes, bytes]] = []

    def watched(ours: bytes, theirs: bytes) -> bool:
        seen.append((ours, theirs))
        return hmac.compare_digest(ours, theirs)

    monkeypatch.setattr(signing, "compare_digest", watched)
    fits = SECRET in secrets
    body = BODY if fits else bytes(1 << 15)  # too large for a hint, which compares once more

    if fits:
        verify(body, SIGNATURE, secrets)
    else:
        refused(body, SIGNATURE, secrets)

    assert seen == [(sign(body, secret).encode(), SIGNATURE.encode()) for secret in secrets]


# --- what does not fit


@given(st.data(), st.binary(min_size=1, max_size=200))
def test_a_changed_bit_of_the_body_is_refused(data: st.DataObject, body: bytes) -> None:
    """L2: any one."""
    bit = data.draw(st.integers(0, len(body) * 8 - 1))

    refused(with_bit_changed(body, bit), sign(body, SECRET))


@pytest.mark.parametrize("body", [b"", BODY])
def test_a_changed_bit_of_the_signature_is_refused(body: bytes) -> None:
    """L2: each one, with those of the last digit that most decoders ignore."""
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
    "no ASCII": (b"\xff" * 44, MALFORMED),
    "10 MB": ("A" * 10_000_000, MALFORMED),
    "10 MB of bytes": (b"A" * 10_000_000, MALFORMED),
    "zeros": (ZEROS, UNFIT),
    "another secret's": (sign(BODY, OTHER), UNFIT),
    "another body's": (sign(b"", SECRET), UNFIT),
}


@pytest.mark.parametrize(("header", "words"), HEADERS.values(), ids=list(HEADERS))
def test_a_header_that_is_no_signature_is_refused(header: Any, words: str) -> None:
    """L3: in constant words, and by the one class, whatever the header is."""
    assert words in refused(BODY, header)


@given(
    st.one_of(st.text(), st.binary(), st.none(), st.lists(st.text()), st.integers(), st.floats())
)
def test_any_junk_is_refused_in_the_same_way(header: Any) -> None:
    """L3: nothing that can be sent leads to another error than the one."""
    words = refused(BODY, header)

    assert any(known in words for known in (MISSING, MALFORMED, UNFIT))


@pytest.mark.parametrize(
    "body",
    ["{}", {"a": 1}, None, [b"{}"], bytearray(b"{}"), 7],
    ids=["text", "JSON", "none", "list", "bytearray", "number"],
)
def test_only_bytes_are_a_body(body: Any) -> None:
    """A framework's text or JSON is not what was signed: whoever passes it hears so at once."""
    with pytest.raises(ArgumentTypeError, match=r"^body: "):
        verify(body, SIGNATURE, SECRET)
    with pytest.raises(ArgumentTypeError, match=r"^body: "):
        sign(body, SECRET)


@pytest.mark.parametrize("most", [0, -1, 1.5, "1", None, True])
def test_a_limit_is_a_whole_number(most: Any) -> None:
    """There is always one."""
    with pytest.raises(ConfigurationError, match=r"^max_body: expected a whole number"):
        verify(BODY, SIGNATURE, SECRET, max_body=most)


# --- a hint


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
    ids=["spaces", "lines", "no spaces", "no lines"],
)
def test_json_with_other_spaces_gets_a_hint(
    document: Any, sent: dict[str, Any], passed: dict[str, Any]
) -> None:
    """L6: whoever reads JSON and writes it again is told of it, and refused all the same."""
    signature = sign(json.dumps(document, **sent).encode(), SECRET)
    body = json.dumps(document, **passed).encode() + b"\n"

    assert HINT in refused(body, signature, [OTHER, SECRET])


def test_spaces_in_a_text_are_no_spelling() -> None:
    """L6: a value that was changed is another one, and no hint speaks of it."""
    assert UNFIT in refused(b'{"a":"b  c"}', sign(b'{"a":"b c"}', SECRET))
    assert UNFIT in refused(b'{"a":"b,c"}', sign(b'{"a":"b, c"}', SECRET))


def test_a_large_body_gets_no_hint() -> None:
    """L6: anybody can ask for it, so that it is to cost next to nothing."""
    compact = json.dumps(["x" * 100] * 1000, separators=(",", ":")).encode()

    assert UNFIT in refused(json.dumps(["x" * 100] * 1000).encode(), sign(compact, SECRET))


@pytest.mark.parametrize(
    "piece", [b'"', b'\\"', b'"\\', b'""', b'"\\\\', b"\n", b",", b"[", b"\xff", b'"\\\n']
)
def test_the_hint_costs_linear_time(piece: bytes) -> None:
    """L6: no body makes the search for strings begin again and again."""
    body = (b'"' + piece * (1 << 18))[: 1 << 18]  # with quadratic time, this would take minutes

    spellings = list(signing._respellings(body))

    assert len(spellings) == 2
    assert max(map(len, spellings)) <= 2 * len(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON, st.sampled_from([None, 0, 2, "\t"]))
@pytest.mark.parametrize("ascii_only", [True, False], ids=["escapes", "UTF-8"])
def test_json_is_respelt_as_python_would(ascii_only: bool, document: Any, indent: Any) -> None:
    """L6: the spellings that are tried are those of `json.dumps`."""
    written = json.dumps(document, indent=indent, ensure_ascii=ascii_only)

    assert [spelling.decode() for spelling in signing._respellings(written.encode())] == [
        json.dumps(document, separators=(",", ":"), ensure_ascii=ascii_only),
        json.dumps(document, ensure_ascii=ascii_only),
    ]


@given(st.binary(max_size=300))
def test_any_body_is_respelt(body: bytes) -> None:
    """L6: what is no JSON leads to no other error."""
    assert UNFIT in refused(body, ZEROS)


# --- secrets


EMPTY = "a webhook secret is empty"
SHORT = "a webhook secret is shorter than 16 characters"
BROKEN = "a webhook secret is malformed (is there a line break at the end of the file"
NO_TEXT = "give the shared_key of the webhook secret, a text"
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
    "none": (None, NO_TEXT),
    "bytes": (SECRET.encode(), NO_TEXT),
    "number": (7, NO_TEXT),
    "set": ({SECRET}, NO_TEXT),
    "empty model": (WebhookSecret(shared_key=""), EMPTY),
    "empty list": ([], "give at least one"),
    "empty tuple": ((), "give at least one"),
    "one is empty": ([SECRET, ""], EMPTY),
    "one is none": ([SECRET, None], NO_TEXT),
    "list in list": ([[SECRET]], NO_TEXT),
}


@pytest.mark.parametrize(("secrets", "words"), BAD_SECRETS.values(), ids=list(BAD_SECRETS))
def test_what_is_no_secret_is_refused(secrets: Any, words: str) -> None:
    """L4: an empty variable would let anybody sign; each is looked at, whatever was delivered."""
    for signature in (SIGNATURE, None):
        with pytest.raises(ConfigurationError) as caught:
            verify(BODY, signature, secrets)

        assert re.match(rf"secrets(\[[01]\])?: {re.escape(words)}", str(caught.value))
        assert isinstance(caught.value, ArgumentTypeError) is (words == NO_TEXT)


@pytest.mark.parametrize(
    "secret", ["", " " * 16, "x" * 15, f"{SECRET}\n", None, b"x" * 32, [SECRET]]
)
def test_what_is_no_secret_is_refused_by_sign_too(secret: Any) -> None:
    """L4: a test that signs with nothing would prove nothing."""
    with pytest.raises(ConfigurationError, match=r"^secret: "):
        sign(BODY, secret)


def test_sixteen_characters_are_a_secret() -> None:
    """L4: the shortest that is taken."""
    assert verify(BODY, sign(BODY, "x" * 16), "x" * 16) == 0


# --- what an error shows


@pytest.mark.parametrize(
    ("body", "signature", "options"),
    [
        (f'["{CANARY}"]', CANARY, {}),
        (f'["{CANARY}"]', None, {}),
        (f'["{CANARY}"]', ZEROS, {}),
        (f'["{CANARY}", 1]', sign(f'["{CANARY}",1]'.encode(), CANARY * 2), {}),
        (f'["{CANARY}"]', CANARY, {"max_body": 1}),
    ],
    ids=["malformed", "missing", "unfit", "hint", "large"],
)
def test_nothing_of_a_delivery_is_in_its_error(
    body: str, signature: str | None, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """L11: neither in its text, nor in its pickle, nor in a variable of ours; nothing is logged."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(WebhookVerificationError) as caught:
        verify(body.encode(), signature, [CANARY * 2], **options)

    error = caught.value
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert_plain(error)
    assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), {})
    assert not any(shown in told(error) for shown in (CANARY, signature or CANARY))
    assert caplog.records == []


@pytest.mark.parametrize("secrets", [f"{CANARY}\n{CANARY}", [CANARY], (CANARY, None)])
def test_a_refused_secret_is_in_no_variable(secrets: Any) -> None:
    """L11: what is wrong with a secret is said without it, and leaves no frame that has it."""
    with pytest.raises(ConfigurationError) as caught:
        verify(CANARY.encode(), CANARY, secrets)

    assert CANARY not in told(caught.value)


def told(error: Exception) -> str:
    """Return all that a tool can tell of an error: text, pickle, and variables of our frames."""
    ours = error.__traceback__
    assert ours
    trace = traceback.TracebackException(
        type(error), error, ours.tb_next, capture_locals=True, lookup_lines=False
    )
    variables = [frame.locals for frame in trace.stack]
    return f"{error!r} {error.args} {vars(error)} {pickle.dumps(error, 0)!r} {variables}"


# --- what it needs


def test_it_needs_no_client() -> None:
    """A receiver that only verifies loads neither httpx nor an event loop."""
    script = "import sys, sikoia_async.webhooks.signing; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    loaded = set(subprocess.check_output(command, text=True).split())

    assert "sikoia_async.webhooks.signing" in loaded
    assert loaded & {"anyio", "asyncio", "httpx", "msgspec", "cattrs", "ssl"} == set()


def test_the_header_has_its_documented_name() -> None:
    """It is the one of Sikoia's documentation."""
    assert SIGNATURE_HEADER == "X-HMAC-SHA256-Signature"
