"""The tokens of operations."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sikoia_async import ArgumentTypeError, ConfigurationError
from sikoia_async.operations.token import TokenSigner

HOME, SECRET = "https://api.example", "s3cret-of-the-application"
SEALER = TokenSigner(HOME, SECRET)
TOKEN = SEALER.token("income", ("0af1-é", "case"))


def _refused(token: str, sealer: TokenSigner = SEALER) -> str:
    with pytest.raises(ConfigurationError) as caught:
        sealer.read(token)
    assert SECRET not in str(caught.value)
    assert len(token) < 20 or token not in str(caught.value)
    return str(caught.value)


@given(st.lists(st.text(max_size=50).filter(lambda text: "\0" not in text), min_size=1, max_size=3))
def test_what_is_sealed_is_read(ids: list[str]) -> None:
    """Kind and ids come back, and the text is short and fit for addresses and files."""
    token = SEALER.token("account-refresh", tuple(ids))

    if len(token) <= 1024:
        assert SEALER.read(token) == ("account-refresh", tuple(ids))
    assert token.isascii()
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def test_a_token_is_short_and_holds_no_secret() -> None:
    """It is the kind and a UUID, and not much more."""
    token = SEALER.token("income", ("c81d4e2e-bcf2-4b32-8a0c-5a8b7f0e5f52",))

    assert len(token) < 100
    assert SECRET not in token


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="ascii"))
def test_a_changed_character_is_found(place: int, character: str) -> None:
    """Wherever it is."""
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
    """Pickles, JSON, addresses, a million characters: nothing of it is run, or even long read."""
    assert _refused(junk).startswith("token: ")


def test_a_token_that_is_too_long_is_not_read() -> None:
    """No id of Sikoia's is so long; and nobody spends time on it."""
    assert "not the token" in _refused(SEALER.token("income", ("x" * 1000,)))


@pytest.mark.parametrize("given_", [None, 5, b"op1", ["op1"]], ids=repr)
def test_a_token_is_a_text(given_: object) -> None:
    """What is none is told so."""
    with pytest.raises(ArgumentTypeError, match="token: "):
        SEALER.read(given_)  # type: ignore[arg-type]


def test_a_token_is_good_where_it_was_made() -> None:
    """Neither in another environment nor with other credentials; but in every process."""
    assert TokenSigner(HOME, SECRET).read(TOKEN) == SEALER.read(TOKEN)
    assert "another environment" in _refused(TOKEN, TokenSigner("https://staging.example", SECRET))
    assert "other credentials" in _refused(TOKEN, TokenSigner(HOME, "another-secret"))


def test_a_newer_token_asks_for_an_update() -> None:
    """Rather than to be read wrongly."""
    assert "newer version" in _refused("op2" + TOKEN.removeprefix("op1"))


def test_without_a_secret_what_is_forged_is_still_read_with_care() -> None:
    """Who was given a token for the API only finds damage; ids that are no text are refused."""
    open_ = TokenSigner(HOME, "")
    head = open_.token("income", ("x",)).rsplit(".", 2)[0]

    for packed in ("_", "_w", "gA"):  # no Base64, and no UTF-8
        text = f"{head}.{packed}"
        assert "not the token" in _refused(f"{text}.{open_._seal(text)}", open_)
