"""URLs that are parsed without httpx are what httpx makes of them."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async._transport.parsed_urls import parsed_url

_ORIGINS = st.sampled_from(
    (
        "https://api.sikoia.com",
        "http://127.0.0.1:8400",
        "https://[::1]:1",
        "https://API.example:443",
    )
)
_TARGETS = st.from_regex(
    r"(/[A-Za-z0-9._~%:@,+\- ]{0,9}){0,4}(\?[A-Za-z0-9._~&=%+,/:\- é]*)?", fullmatch=True
)


def _assert_same(url: str) -> None:
    own, theirs = parsed_url(url), httpx.URL(url)
    assert own == theirs
    for name in ("scheme", "raw_host", "port", "raw_path", "netloc", "fragment", "userinfo"):
        assert getattr(own, name) == getattr(theirs, name)


@given(origin=_ORIGINS, target=_TARGETS)
def test_any_url_is_parsed_as_httpx_does(origin: str, target: str) -> None:
    """Whether or not it has characters that must be escaped."""
    _assert_same(origin + target)


@pytest.mark.parametrize(
    "target",
    [
        "/v2/cases/64cd8202-2db4-44d5-85be-79438d65eb7b",
        "/v2/users?limit=10&name=a%20b&ids=1,2",
        "/v2/cases/..",
        "/v2/../cases",
        "/v2/./cases",
        "/v2/a..b",
        "/v2/cases?",
        "/v2/cases#part",
        "/v2/%2e%2e/cases",
        "/v2?a=%zz",
        "/v2?a=%e9",
        "",
        "/",
        "/" + 3000 * "a",
    ],
)
def test_notable_urls_are_parsed_as_httpx_does(target: str) -> None:
    """Dot segments, escapes and parts that are empty."""
    _assert_same("https://api.sikoia.com" + target)


def test_urls_do_not_share_their_parts() -> None:
    """One origin serves many of them."""
    one, other = parsed_url("https://a.example/b?c=d"), parsed_url("https://a.example/e")

    assert (str(one), str(other)) == ("https://a.example/b?c=d", "https://a.example/e")


def test_an_invalid_url_is_refused() -> None:
    """By httpx."""
    with pytest.raises(httpx.InvalidURL):
        parsed_url("https://a.example:port/b")
