"""Paths and queries: values that would change the target are refused first."""

import string
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sikoia_async._calls.urls import QueryValue, fill, is_on, target_of, validate_path, with_query
from sikoia_async.errors import ArgumentTypeError, ConfigurationError

CANARY = "canary"
TEMPLATE = "/v2/cases/{case_id}/entities"
ANY_TEXT = st.text(st.characters(), max_size=20)  # lone surrogates included
VALUE = st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1, max_size=20)


def attempt(case_id: str) -> tuple[str, str]:
    """Return the path with this id, or else the error message."""
    try:
        return fill(TEMPLATE, {"case_id": case_id}), ""
    except ConfigurationError as error:
        return "", str(error)


@given(ANY_TEXT)
@example("..")
@example("%2e%2e")
@example("a\n")
def test_an_id_is_one_segment_or_refused(case_id: str) -> None:
    """Every value becomes one path segment with the same meaning, or is refused."""
    path, refusal = attempt(case_id)

    if refusal:
        assert refusal == attempt("")[1]
    else:
        root, v2, cases, segment, entities = path.split("/")
        assert [root, v2, cases, "{case_id}", entities] == TEMPLATE.split("/")
        assert (unquote(segment), segment in {"", ".", ".."}) == (case_id, False)


@given(st.text(string.ascii_letters + string.digits + "-_.~", min_size=3, max_size=128))
@example("64cd8202-2db4-44d5-85be-79438d65eb7b")
@example("r51154bd")
@example("x")
def test_ids_like_sikoias_are_accepted(case_id: str) -> None:
    """Letters, digits and unreserved characters are not changed."""
    if set(case_id) != {"."}:
        assert fill("/v2/cases/{case_id}", {"case_id": case_id}) == f"/v2/cases/{case_id}"


@pytest.mark.parametrize(
    "case_id",
    [
        "",
        ".",
        "..",
        "canary/x",
        "/canary",
        "canary\\x",
        "%2e%2e",
        "%2Fcanary",
        "canary?x=1",
        "canary#x",
        "canary{}",
        "canary x",
        "canary\n",
        "canary\x00",
        "canaryé",
        "canary\ud800",
        CANARY * 1700,
        "c" * 129,
    ],
    ids=lambda case_id: ascii(case_id)[:20],
)
def test_an_invalid_id_is_refused_and_not_repeated(case_id: str) -> None:
    """The message names the parameter, not the value."""
    with pytest.raises(ConfigurationError, match=r"^case_id: not a valid id") as caught:
        fill(TEMPLATE, {"case_id": case_id})

    assert CANARY not in str(caught.value)


def test_a_template_without_ids_is_a_path() -> None:
    """A path without placeholders is not changed."""
    assert fill("/v2/cases", {}) == "/v2/cases"


@pytest.mark.parametrize(
    "path", ["/v2", "/v2/cases", "/v3/things/a-b_c.d~e", "/v2/it's;v=1:2@(3),*+$!&="]
)
def test_absolute_paths_are_accepted(path: str) -> None:
    """A path on Sikoia's API is not changed."""
    assert validate_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "v2/canary",
        "//canary.example.com",
        "https://canary.example.com/v2",
        "/v2//canary",
        "/v2/canary/",
        "/canary/../b",
        "/canary/./b",
        "/canary/..",
        "/canary/%2e%2e/b",
        "/canary/%2E%2E/b",
        "/canary/%2e./b",
        "/canary/.%2E/b",
        "/canary/%2e",
        "/canary/..%2fb",
        "/canary/%zz",
        "/v2/canary%20b",
        "/v2/canary?x=1",
        "/v2/canary#x",
        "/v2\\canary",
        "/v2/canary x",
        "/v2/canary\n",
        "/v2/canary\r\nX: y",
        "/v2/canaryé",
        "/v2/{canary}",
    ],
    ids=ascii,
)
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    """Another host, dot segments in any spelling, and queries are refused."""
    with pytest.raises(ConfigurationError, match=r"^path: ") as caught:
        validate_path(path)

    assert CANARY not in str(caught.value)


@given(st.dictionaries(VALUE, VALUE, min_size=1, max_size=4))
def test_queries_can_be_parsed_back(query: dict[str, str]) -> None:
    """A server reads the values that were passed."""
    target = with_query("/v2/cases", query)

    assert urlsplit(target).path == "/v2/cases"
    assert parse_qs(urlsplit(target).query, strict_parsing=True) == {
        name: [value] for name, value in query.items()
    }


@given(st.lists(VALUE, min_size=1, max_size=5))
def test_a_list_is_one_parameter(values: list[str]) -> None:
    """Its values are separated by commas."""
    target = with_query("/v2/cases", {"stage": values})

    assert parse_qs(urlsplit(target).query) == {"stage": [",".join(values)]}


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ({}, "/x"),
        ({"a": None}, "/x"),
        ({"a": None, "b": "1"}, "/x?b=1"),
        ({"a": True, "b": False}, "/x?a=true&b=false"),
        ({"page": 2, "size": 0}, "/x?page=2&size=0"),
        ({"a": ("New", "Approved")}, "/x?a=New%2CApproved"),
        ({"a": {"New"}}, "/x?a=New"),
        ({"a b": "c&d=e"}, "/x?a%20b=c%26d%3De"),
        ({"a": "../é"}, "/x?a=..%2F%C3%A9"),
    ],
    ids=["empty", "none", "left out", "booleans", "numbers", "several", "set", "quoted", "path"],
)
def test_how_queries_are_encoded(query: dict[str, QueryValue], target: str) -> None:
    """None is left out, booleans are lower case, and everything else is quoted."""
    assert with_query("/x", query) == target


@pytest.mark.parametrize(
    "value",
    ["", [], [""], ["a", ""], "canary,a", ["a", "canary,b"], ",", "canary\ud800", ["canary\udfff"]],
    ids=ascii,
)
def test_values_that_cannot_be_sent_are_refused(value: str | Sequence[str]) -> None:
    """A comma would be read as two values; empty strings and lone surrogates have no encoding."""
    with pytest.raises(ConfigurationError, match=r"^keyword: ") as caught:
        with_query("/v2/cases", {"keyword": value})

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [5.5, b"canary", [None], [5], object(), {"a": "canary"}, 10**5000],
    ids=["float", "bytes", "nothing", "numbers", "object", "mapping", "long"],
)
def test_values_of_another_type_are_refused(value: Any) -> None:
    """Only strings, whole numbers, booleans and lists of strings are accepted."""
    with pytest.raises(ArgumentTypeError, match=r"^keyword: expected a string") as caught:
        with_query("/v2/cases", {"keyword": value})

    assert CANARY not in str(caught.value)


_API = "https://api.sikoia.com"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.sikoia.com/v2/cases?after=1",
        "HTTPS://API.sikoia.com:443/v2/cases?after=1",
        "http://api.sikoia.com/v2/cases?after=1",
        "http://10.0.0.7:8080/v2/cases?after=1#top",
        "https://api.sikoia.com.example/v2/cases?after=1",
        "https://user:secret@api.sikoia.com/v2/cases?after=1",
        "https://api.sikoia.com:8443/v2/cases?after=1",
        "https://api.sikoia.com:99999/v2/cases?after=1",
        "https://[/v2/cases?after=1",
        "https://xn--zz/v2/cases?after=1",
        "https:///v2/cases?after=1",
        " //example.com/v2/cases?after=1\n",
        "/v2/cases?after=1",
        "/v2/./users/../cases?after=1",
        "cases?after=1",
    ],
)
@pytest.mark.parametrize("origin", [_API, f"{_API}:8443", "https://gateway.example/sikoia"])
def test_only_path_and_query_of_a_url_count(url: str, origin: str) -> None:
    """Requests go to our own origin, whatever host a response names."""
    assert target_of(url, origin, base="/v2/users") == "/v2/cases?after=1"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("?after=2", "/v2/users?after=2"),
        ("https://example.com?after=2", "/?after=2"),
        ("https://example.com", "/"),
        ("https://example.com//evil.example/x", "/x"),
        ("/v2/é?a=b:c", "/v2/%C3%A9?a=b:c"),
    ],
)
def test_a_target_always_is_a_path(url: str, target: str) -> None:
    """It starts with one slash, so it cannot change the host that it is appended to."""
    assert target_of(url, _API, base="/v2/users?a=1") == target


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://api.sikoia.com/v2/cases", "/v2/cases"),
        ("https://gateway.example/sikoia/v2/cases", "/v2/cases"),
        ("/sikoia/v2/cases", "/v2/cases"),
        ("/v2/cases", "/v2/cases"),
        ("?after=2", "/v2/users?after=2"),
        ("cases", "/v2/cases"),
        ("/sikoia-2/v2/cases", "/sikoia-2/v2/cases"),
    ],
)
def test_the_prefix_of_a_gateway_is_not_doubled(url: str, target: str) -> None:
    """URLs in responses may contain it or not."""
    assert target_of(url, "https://gateway.example/sikoia", base="/v2/users?a=1") == target


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https:v2/cases",
        "https:\\\\example.com",
        "localhost:8400/v2/cases",
        "/v2/cases?a=\ud800",
        "?after=" + "b" * 70_000,
    ],
    ids=lambda url: ascii(url)[:20],
)
def test_what_is_not_an_http_url_has_no_target(url: str) -> None:
    """It is not guessed at."""
    assert target_of(url, _API, base="/v2/users") is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://API.sikoia.com:443/v2/cases", True),
        ("/v2/cases", True),
        ("?after=2", True),
        ("https://api.sikoia.com.example/v2/cases", False),
        ("http://api.sikoia.com/v2/cases", False),
        ("https://api.sikoia.com:8443/v2/cases", False),
        ("https://user@api.sikoia.com/v2/cases", False),
        ("//example.com/v2/cases", False),
        ("https://[", False),
    ],
)
def test_urls_on_an_origin_have_its_scheme_host_and_port(url: str, expected: bool) -> None:
    """Others are counted as drift."""
    assert is_on(_API, url) is expected
