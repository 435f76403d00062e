"""Signatures of webhook deliveries: whether a body is what Sikoia sent.

Sikoia signs with the organisation's one secret, while there is one: the header
X-HMAC-SHA256-Signature is Base64(HMAC-SHA256(UTF-8 bytes of `shared_key`, raw body)).
Sources: https://docs.sikoia.com/docs/webhooks, and the operations on `/v2/webhooks/secrets`.

Only the bytes of the body are signed. No header is, so that nothing else of a request is proved;
and no time is, so that a recorded delivery can be sent again by whoever has it.

Nothing here does I/O. Whatever anybody may send ends in one error, whose text is one of a few that
stand below: it shows neither body nor signature nor secret.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hmac import compare_digest, digest
from itertools import chain, zip_longest
from typing import Final, Protocol, cast

from sikoia_async._errors import ArgumentTypeError, ConfigurationError, WebhookVerificationError
from sikoia_async._validation import validate_required, validate_type, validate_whole

__all__ = ["SIGNATURE_HEADER", "HasSharedKey", "sign", "verify"]

SIGNATURE_HEADER: Final = "X-HMAC-SHA256-Signature"
"""The header that a signed delivery has; servers and frameworks may spell it in lower case."""


class HasSharedKey(Protocol):
    """What stands for a secret: a `WebhookSecret` as Sikoia gives it."""

    @property
    def shared_key(self) -> str:
        """The key."""
        ...


# Sikoia does not say how long its keys are. Sixteen hexadecimal digits are 64 bits: what is shorter
# can be guessed by whoever has seen one delivery, and is a placeholder rather than a key.
_SHORTEST: Final = 16
_MAX_BODY: Final = 1 << 20
# The hint reads the body again, and anybody can ask for it: so much takes 2 ms at worst, measured.
_MAX_HINT: Final = 1 << 14

# Base64 of 32 bytes, in its one spelling: the last digit has two bits that say nothing and are 0.
# The lenient decoders take four spellings of each signature, and some of them any junk between.
_SIGNATURE: Final = re.compile("[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")
_LENGTH: Final = 44

_TOO_LARGE: Final = "the body is larger than max_body"
_MISSING: Final = (
    f"there is no {SIGNATURE_HEADER}: the delivery is not Sikoia's, or there is no webhook secret"
)
_MALFORMED: Final = "the signature is not one Base64 text of 32 bytes"
_UNFIT: Final = (
    "the signature fits none of the secrets: the delivery is not Sikoia's, the secret is another "
    "one, or the body was changed on its way here"
)
_RESPELT: Final = (
    "the signature fits the same JSON with other spaces: use the raw body as it came, and not JSON "
    "that was read and written again"
)


def verify(
    body: bytes,
    signature: str | bytes | None,
    secrets: str | HasSharedKey | Sequence[str | HasSharedKey],
    *,
    max_body: int = _MAX_BODY,
) -> int:
    """Return which of the secrets a delivery was signed with, counted from 0.

    What does not fit raises; do not ask whether the result is true, for the first secret is 0.

    Args:
        body: the raw body, before anything has read it as text or JSON.
        signature: the header's value; None where there is none.
        secrets: the `shared_key`, or what has it. Give the new and the old one while deliveries
            that were signed before a rotation are on their way; the index tells when the old one
            is not needed any more.
        max_body: bytes that a body may have.

    Raises:
        WebhookVerificationError: the body is not what was signed with one of the secrets. Where it
            is JSON that was signed with other spaces, the message says so: that is a hint for
            whoever sets the receiver up, for bodies of at most 16 KiB.
        ArgumentTypeError: the body is a text or parsed JSON, or a secret is no text.
        ConfigurationError: a secret is empty, shorter than 16 characters or malformed, or there is
            none.
    """
    verdict: int | str | ConfigurationError
    try:
        verdict = _verdict(body, signature, secrets, max_body)
    except ConfigurationError as error:
        verdict = error.with_traceback(None)
    # Tools that report errors write down local variables, and anybody can cause such a report.
    del body, signature, secrets
    if isinstance(verdict, int):
        return verdict
    if isinstance(verdict, str):
        raise WebhookVerificationError(verdict)
    raise verdict


def sign(body: bytes, secret: str | HasSharedKey) -> str:
    """Return the header's value for a body: for tests, and for senders that stand in for Sikoia.

    Raises:
        ArgumentTypeError: the body is not bytes, or the secret is no text.
        ConfigurationError: the secret is empty, shorter than 16 characters or malformed.
    """
    _check_body(body)
    return _signed(body, _key("secret", secret)).decode()


def _verdict(body: bytes, signature: object, secrets: object, max_body: int) -> int | str:
    """Return the index of the secret that fits, or what is wrong."""
    keys = _keys(secrets)
    _check_body(body)
    if len(body) > validate_whole("max_body", max_body, least=1):
        return _TOO_LARGE
    text = "" if signature is None else _text(signature)
    if text == "":
        return _MISSING
    if text is None or not _SIGNATURE.fullmatch(text):
        return _MALFORMED
    return _compared(body, text.encode(), keys)


def _compared(body: bytes, signature: bytes, keys: list[bytes]) -> int | str:
    fits = [_fits(body, signature, key) for key in keys]
    if any(fits):
        return fits.index(True)
    if len(body) > _MAX_HINT:
        return _UNFIT
    respelt = [_fits(one, signature, key) for one in _respellings(body) for key in keys]
    return _RESPELT if any(respelt) else _UNFIT


def _fits(body: bytes, signature: bytes, key: bytes) -> bool:
    return compare_digest(_signed(body, key), signature)


def _signed(body: bytes, key: bytes) -> bytes:
    return b64encode(digest(key, body, "sha256"))


def _check_body(body: bytes) -> None:
    what = "the raw body, as bytes: a text or parsed JSON is not what was signed"
    validate_type("body", validate_required("body", body), bytes, what)


def _text(signature: object) -> str | None:
    """Return a header's value as text, and None for what is no single value."""
    if isinstance(signature, bytes):
        return signature[: _LENGTH + 1].decode("latin-1")
    return signature if isinstance(signature, str) else None


def _keys(secrets: object) -> list[bytes]:
    if not isinstance(secrets, list | tuple):
        return [_key("secrets", secrets)]
    several = cast("Sequence[object]", secrets)  # isinstance does not tell of what
    if not several:
        msg = "secrets: give at least one"
        raise ConfigurationError(msg)
    return [_key(f"secrets[{index}]", secret) for index, secret in enumerate(several)]


def _key(name: str, secret: object) -> bytes:
    text = getattr(secret, "shared_key", secret)
    if not isinstance(text, str):
        msg = f"{name}: give the shared_key of the webhook secret, a text"
        raise ArgumentTypeError(msg)
    if flaw := _flaw(text):
        msg = f"{name}: a webhook secret {flaw}"
        raise ConfigurationError(msg)
    return text.encode()


def _flaw(text: str) -> str | None:
    if not text.strip():
        return "is empty"
    if len(text) < _SHORTEST:
        return f"is shorter than {_SHORTEST} characters"
    if text != text.strip() or not text.isprintable():
        return "is malformed (is there a line break at the end of the file it came from?)"
    return None


# A string of JSON, whole or cut off by the end of the body, is taken in one step and not read twice
# (`*+`): else a body of nothing but quotes would take quadratic time.
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_QUOTE: Final = b'"'
_SPACES: Final = b" \t\r\n"


def _respellings(body: bytes) -> Iterator[bytes]:
    """Yield JSON as most servers write it, without spaces, and as Python does."""
    strings: list[bytes] = _STRING.findall(body)
    between = _STRING.sub(_QUOTE, body).translate(None, _SPACES)
    for spelling in (between, between.replace(b",", b", ").replace(b":", b": ")):
        pieces = zip_longest(spelling.split(_QUOTE), strings, fillvalue=b"")
        yield b"".join(chain.from_iterable(pieces))
