"""Webhook signatures: verify that Sikoia sent a body.

Sikoia signs with the organisation's one secret, if there is one. The header X-HMAC-SHA256-Signature
is Base64(HMAC-SHA256(UTF-8 bytes of `shared_key`, raw body)).
Sources: https://docs.sikoia.com/docs/webhooks, and the operations on `/v2/webhooks/secrets`.

Only the bytes of the body are signed. No header is, so nothing else about a request is proved; and
no time is, so a recorded delivery can be sent again.

Nothing here does I/O. Any input ends in one error, with one of the messages below, which contains
neither body nor signature nor secret.
"""

import re
from binascii import b2a_base64
from collections.abc import Sequence
from hmac import compare_digest, digest
from typing import Final, Protocol, cast

from sikoia_async._errors import ArgumentTypeError, ConfigurationError, WebhookVerificationError
from sikoia_async._transport.tracebacks import without_frames_sync
from sikoia_async._validation import validate_required, validate_type, validate_whole
from sikoia_async.webhooks.reformatting import reformatted

__all__ = [
    "MAX_BODY",
    "SIGNATURE_HEADER",
    "TOO_LARGE",
    "HasSharedKey",
    "delivery_flaw",
    "sign",
    "signature_flaw",
    "verify",
]

SIGNATURE_HEADER: Final = "X-HMAC-SHA256-Signature"
"""The header of signed deliveries. Servers and frameworks may spell it in lower case."""


class HasSharedKey(Protocol):
    """A secret as an object, such as a `WebhookSecret`."""

    @property
    def shared_key(self) -> str:
        """The key."""
        ...


# Sikoia does not say how long its keys are. Sixteen hexadecimal digits are 64 bits: a shorter key
# can be guessed from one delivery, and is probably a placeholder.
_MIN_LENGTH: Final = 16
MAX_BODY: Final = 1 << 20
"""Bytes that a body may have by default."""
# Looking for reformatted JSON reads the body again, and anybody can cause it. This much takes 2 ms
# at worst, measured.
_MAX_REFORMATTED: Final = 1 << 14

# Base64 of 32 bytes in its canonical spelling: the last digit has two unused bits, which are 0.
# Lenient decoders accept four spellings of each signature, and some of them junk in between.
_SIGNATURE: Final = re.compile("[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")
_LENGTH: Final = 44
_NOT_ONE: Final = "not a single value"

TOO_LARGE: Final = "the body is larger than max_body"
_MISSING: Final = (
    f"the {SIGNATURE_HEADER} header is missing: the delivery is not from Sikoia, or there is no "
    "webhook secret"
)
_MALFORMED: Final = "the signature is not one Base64 string of 32 bytes"
_MISMATCH: Final = (
    "the signature matches none of the secrets: the delivery is not from Sikoia, the secret is "
    "wrong, or the body was changed on its way"
)
_REFORMATTED: Final = (
    "the signature matches the same JSON with other white space: pass the raw body, and not JSON "
    "that was parsed and serialised again"
)


def verify(
    body: bytes,
    signature: str | bytes | None,
    secrets: str | HasSharedKey | Sequence[str | HasSharedKey],
    *,
    max_body: int = MAX_BODY,
) -> int:
    """Return the index of the secret that a delivery was signed with.

    A delivery that matches none raises. Do not test the result for truth: the first index is 0.

    Args:
        body: the raw body, before anything has parsed it.
        signature: the value of the header; None if it is missing.
        secrets: the `shared_key`, or an object that has it. Pass the new and the old one while
            deliveries signed before a rotation may arrive; the index tells when the old one is no
            longer needed.
        max_body: the largest body to accept, in bytes.

    Raises:
        WebhookVerificationError: the body was not signed with any of the secrets. If it is JSON
            that was signed with other white space, the message says so, for bodies of up to 16 KiB.
        ArgumentTypeError: the body is a string or parsed JSON, or a secret is not a string.
        ConfigurationError: there is no secret, or one is empty, shorter than 16 characters or
            malformed.
    """
    verdict: int | str | ConfigurationError
    try:
        verdict = _verdict(body, signature, secrets, max_body)
    except ConfigurationError as error:
        verdict = error.with_traceback(None)
    # Error reporters record local variables, and anybody can cause such a report.
    del body, signature, secrets
    if isinstance(verdict, int):
        return verdict
    if isinstance(verdict, str):
        raise WebhookVerificationError(verdict)
    raise verdict


@without_frames_sync
def sign(body: bytes, secret: str | HasSharedKey) -> str:
    """Return the value of the signature header for a body, for tests and simulated senders.

    Raises:
        ArgumentTypeError: the body is not bytes, or the secret is not a string.
        ConfigurationError: the secret is empty, shorter than 16 characters or malformed.
    """
    _validate_body(body)
    return _signed(body, _key("secret", secret)).decode()


def _verdict(body: bytes, signature: object, secrets: object, max_body: int) -> int | str:
    """Return the index of the matching secret, or an error message."""
    keys = _keys(secrets)
    limit = validate_whole("max_body", max_body, least=1)
    _validate_body(body)
    if len(body) > limit:
        return TOO_LARGE
    header = _header(signature)
    if len(header) != _LENGTH:
        return _MISSING if header == "" else _MALFORMED
    given = header.encode("ascii", "replace")
    found = None
    for index, key in enumerate(keys):  # all of them, whichever matches
        if compare_digest(_signed(body, key), given) and found is None:
            found = index
    return _mismatch(body, header, keys) if found is None else found


def _mismatch(body: bytes, header: str, keys: list[bytes]) -> str:
    """Return an error message for a delivery that matches none of the secrets."""
    if not _SIGNATURE.fullmatch(header):
        return _MALFORMED
    if len(body) > _MAX_REFORMATTED:
        return _MISMATCH
    signature = header.encode()
    signatures = (_signed(other, key) for other in reformatted(body) for key in keys)
    is_same_json = True in [compare_digest(other, signature) for other in signatures]
    return _REFORMATTED if is_same_json else _MISMATCH


def _signed(body: bytes, key: bytes) -> bytes:
    return b2a_base64(digest(key, body, "sha256"), newline=False)


def delivery_flaw(body: bytes, signature: object, max_body: int) -> str | None:
    """Return an error message if no secret can have signed a delivery, whatever the secret is.

    Raises:
        ArgumentTypeError: the body is a string or parsed JSON.
    """
    _validate_body(body)
    return TOO_LARGE if len(body) > max_body else signature_flaw(signature)


def signature_flaw(signature: object) -> str | None:
    """Return an error message if the value of a header cannot be a signature."""
    header = _header(signature)
    if header == "":
        return _MISSING
    return None if _SIGNATURE.fullmatch(header) else _MALFORMED


def _validate_body(body: bytes) -> None:
    if type(body) is bytes:
        return
    what = "the raw body, as bytes; a string or parsed JSON is not what was signed"
    validate_type("body", validate_required("body", body), bytes, what)


def _header(signature: object) -> str:
    """Return the value of a header as a string; empty if it is missing."""
    if isinstance(signature, str):
        return signature
    if isinstance(signature, bytes):
        return signature[: _LENGTH + 1].decode("latin-1")
    return "" if signature is None else _NOT_ONE


def _keys(secrets: object) -> list[bytes]:
    if isinstance(secrets, str) or not isinstance(secrets, list | tuple):
        return [_key("secrets", secrets)]
    several = cast("Sequence[object]", secrets)  # isinstance leaves the type of items open
    if not several:
        msg = "secrets: expected at least one"
        raise ConfigurationError(msg)
    return [_key(f"secrets[{index}]", secret) for index, secret in enumerate(several)]


def _key(name: str, secret: object) -> bytes:
    key = secret if type(secret) is str else getattr(secret, "shared_key", secret)
    if not isinstance(key, str):
        msg = f"{name}: expected the shared_key of the webhook secret, as a string"
        raise ArgumentTypeError(msg)
    if flaw := _flaw(key):
        msg = f"{name}: expected a webhook secret, but it {flaw}"
        raise ConfigurationError(msg)
    return key.encode()


def _flaw(key: str) -> str | None:
    stripped = key.strip()
    if len(key) >= _MIN_LENGTH and key == stripped and key.isprintable():
        return None
    if not stripped:
        return "is empty"
    if len(key) < _MIN_LENGTH:
        return f"is shorter than {_MIN_LENGTH} characters"
    return "is malformed (does the file that it comes from end with a line break?)"
