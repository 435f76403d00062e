"""Operation tokens."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sikoia_async import ArgumentTypeError, ConfigurationError
from sikoia_async.operations.token import TokenSigner

ORIGIN, SECRET = "https://api.example", "s3cret-of-the-application"
SIGNER = TokenSigner(ORIGIN, SECRET)
TOKEN = SIGNER.token("income", ("0af1-é", "case"))


def _refused(token: str, signer: TokenSigner = SIGNER) -> str:
    with pytest.raises(ConfigurationError) as caught:
        signer.read(token)
    assert SECRET not in str(caught.value)
    assert len(token) < 20 or token not in str(caught.value)
    return str(caught.value)


@given(st.lists(st.text(max_size=50).filter(lambda text: "\0" not in text), min_size=1, max_size=3))
def test_a_signed_token_can_be_read(ids: list[str]) -> None:
    """Kind and ids come back. The token is fit for URLs and file names."""
    token = SIGNER.token("account-refresh", tuple(ids))

    if len(token) <= 1024:
        assert SIGNER.read(token) == ("account-refresh", tuple(ids))
    assert token.isascii()
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def test_a_token_is_short_and_holds_no_secret() -> None:
    """It holds the kind and a UUID, and little else."""
    token = SIGNER.token("income", ("c81d4e2e-bcf2-4b32-8a0c-5a8b7f0e5f52",))

    assert len(token) < 100
    assert SECRET not in token


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="ascii"))
def test_a_changed_character_is_detected(place: int, character: str) -> None:
    """In any place."""
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]

    if changed != TOKEN:
        assert _refused(changed).startswith("token: ")


@given(st.text(max_size=2000) | st.binary(max_size=99).map(lambda raw: raw.decode("latin-1")))
@example("")
@example("gASVKAAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjA1lY2hvIHB3bmVkIAqUhZRSlC4=")
@example("{'id': 1}")
@example("https://evil.example/v2/income-employer/1")
@example("op1.00000000.income.Li4v.AAAAAAAAAAAAAAAAAAAAAA")
@example(TOKEN + "\n")
@example(TOKEN * 100_000)
def test_any_junk_is_refused(junk: str) -> None:
    """Pickles, JSON, URLs, a million characters: nothing is executed."""
    assert _refused(junk).startswith("token: ")


def test_a_token_that_is_too_long_is_refused() -> None:
    """No id of Sikoia's is so long."""
    assert "not a valid operation token" in _refused(SIGNER.token("income", ("x" * 1000,)))


@pytest.mark.parametrize("value", [None, 5, b"op1", ["op1"]], ids=repr)
def test_a_token_is_a_string(value: object) -> None:
    """Other types are refused by name."""
    with pytest.raises(ArgumentTypeError, match="token: "):
        SIGNER.read(value)  # type: ignore[arg-type]


def test_a_token_is_valid_in_its_environment_with_its_credentials() -> None:
    """In every process."""
    assert TokenSigner(ORIGIN, SECRET).read(TOKEN) == SIGNER.read(TOKEN)
    assert "another environment" in _refused(TOKEN, TokenSigner("https://staging.example", SECRET))
    assert "other credentials" in _refused(TOKEN, TokenSigner(ORIGIN, "another-secret"))


def test_a_token_outlives_a_rotation_of_the_secret() -> None:
    """With the previous secret; new tokens are signed with the new one."""
    rotated = TokenSigner(ORIGIN, "another-secret", SECRET)

    assert rotated.read(TOKEN) == SIGNER.read(TOKEN)
    assert _refused(rotated.token("income", ("id",)))
    assert "other credentials" in _refused(TOKEN, TokenSigner(ORIGIN, "another-secret", "a-third"))


def test_a_newer_token_asks_for_an_update() -> None:
    """It is not read wrongly."""
    assert "newer version" in _refused("op2" + TOKEN.removeprefix("op1"))


def test_a_token_signed_without_a_secret_is_validated() -> None:
    """Anybody can sign without a secret, so ids that cannot be decoded are refused."""
    signer = TokenSigner(ORIGIN, "")
    head = signer.token("income", ("x",)).rsplit(".", 2)[0]

    for encoded in ("_", "_w", "gA"):  # neither Base64 nor UTF-8
        assert "not a valid operation token" in _refused(signer.sign(f"{head}.{encoded}"), signer)
