"""The access token in a shared store, encrypted with a secret of the application."""

import logging
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from sikoia_async.errors import ConfigurationError
from sikoia_async.stores.sealing import Sealer

SECRET = "5f" * 32
TOKEN = "an-access-token"


def test_without_a_secret_the_token_is_stored_as_it_is() -> None:
    """Nothing to install, and nothing to configure."""
    sealer = Sealer()

    assert sealer.seal("account", TOKEN) == TOKEN
    assert sealer.unseal("account", TOKEN) == TOKEN


def test_a_sealed_token_is_read_by_another_process_with_the_secret() -> None:
    """What is stored never contains the token, and differs each time."""
    first, second = (Sealer(SECRET).seal("account", TOKEN) for _ in range(2))

    assert first != second
    assert TOKEN not in first
    assert TOKEN.encode() not in urlsafe_b64decode(first.removeprefix("sealed1."))
    assert [Sealer(SECRET).unseal("account", one) for one in (first, second)] == [TOKEN, TOKEN]


@pytest.mark.parametrize("reader", [Sealer(SECRET + "1"), Sealer()])
def test_a_token_of_another_secret_is_no_token(
    reader: Sealer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is ignored, with one warning that shows neither."""
    sealed = Sealer(SECRET).seal("account", TOKEN)

    with caplog.at_level(logging.WARNING, "sikoia_async"):
        assert [reader.unseal("account", sealed) for _ in range(2)] == [None, None]

    assert len(caplog.records) == 1
    assert SECRET not in caplog.text
    assert sealed not in caplog.text


def test_a_token_that_should_be_sealed_and_is_not_is_no_token() -> None:
    """Otherwise anyone who can write to the store could choose the token."""
    assert Sealer(SECRET).unseal("account", TOKEN) is None


def test_a_token_of_another_account_is_no_token() -> None:
    """The account is authenticated."""
    assert Sealer(SECRET).unseal("other", Sealer(SECRET).seal("account", TOKEN)) is None


def test_no_changed_byte_is_accepted() -> None:
    """The token is authenticated as well. A value that is cut short is refused too."""
    sealed = urlsafe_b64decode(Sealer(SECRET).seal("account", TOKEN).removeprefix("sealed1."))

    for at in range(len(sealed)):
        changed = bytes([*sealed[:at], sealed[at] ^ 1, *sealed[at + 1 :]])
        for damaged in (changed, sealed[:at]):
            stored = "sealed1." + urlsafe_b64encode(damaged).decode()
            assert Sealer(SECRET).unseal("account", stored) is None
    assert Sealer(SECRET).unseal("account", "sealed1.x") is None


@pytest.mark.parametrize("secret", ["", "  ", b"bytes", 7])
def test_an_invalid_secret_is_refused(secret: str) -> None:
    """It would encrypt with a key that everybody knows."""
    with pytest.raises(ConfigurationError, match=r"^secret: expected"):
        Sealer(secret)


def test_the_extra_is_named_if_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and the error does not show the secret."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)

    with pytest.raises(ConfigurationError, match=r"sikoia-async\[encryption\]") as refused:
        Sealer(SECRET)

    assert SECRET not in repr(refused.value)
