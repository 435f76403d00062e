"""Environments: which URLs credentials may be sent to."""

from typing import Any

import pytest

from sikoia_async._transport.connector import named_environment
from sikoia_async.environments import PRODUCTION, STAGING, Environment, local
from sikoia_async.errors import ArgumentTypeError, ConfigurationError

CANARY = "canary"


def environment_with(**urls: str) -> Environment:
    """Return an environment with these URLs."""
    valid = {"api": "https://api.example.com", "token_url": "https://example.com/token"}
    return Environment(name="own", scope="s", **valid | urls)


@pytest.mark.parametrize(
    "api",
    [
        "https://api.example.com",
        "https://api.example.com:8443",
        "https://[2001:db8::1]:8443",
        "http://localhost",
        "http://LOCALHOST:8400",
        "http://127.0.0.1:8400",
        "http://127.255.255.254",
        "http://[::1]:8400",
    ],
)
def test_valid_origins_are_accepted(api: str) -> None:
    """Any https origin, and http on loopback."""
    assert environment_with(api=api).api == api


@pytest.mark.parametrize(
    "url",
    [
        "http://canary.example.com",
        "http://128.0.0.1/canary",
        "http://0.0.0.0/canary",
        "http://localhost.canary.com",
        "http://127.0.0.1.canary.com",
        "http://2130706433/canary",
        "http://[::2]/canary",
        "http://localhost@canary.com",
        "ftp://canary.example.com",
        "ftp://localhost/canary",
        "//canary.example.com",
        "canary.example.com",
        "https://",
        "https:///canary",
        "",
        "https://canary@example.com",
        "https://user:canary@example.com",
        "https://example.com?canary",
        "https://example.com#canary",
        "https://canary.example.com?",
        "https://canary.example.com#",
        "https://canary.example.com\\elsewhere",
        "https://canary.example.com:65536",
        "https://canary.example.com:-1",
        "https://canary.example.com:x",
        "https://[canary",
        "https://canary.exämple.com",
        "https://canary.example.com ",
        "https://canary example.com",
        "https://canary.example.com\n",
        "https://canary.\texample.com",
        "https://canary.example.com\x7f",
        "https://canary.example.com:",
        "https://canary.example.com:0",
        "https://canary.example.com:0443x",
        "https://canary.example.com:" + "9" * 5000,
        "https://canary.example.com:٤٤٣",
        "https://xn--zz",
        "https://xn--canary-.example",
        "https://api.xn--zz.canary.com",
        "https://a..canary.com",
        "https://.canary.com",
        "https://canary.com..",
        "https://.",
        f"https://{'a' * 64}.canary.com",
        f"https://{'canary.' * 40}com",
        "https://canary.example。com",
        "https://canary%2ecom",
        "https://canary!.com",
        "https://999.1.1.1",
        "https://127.0.0.01",
        "https://0177.1",
        "https://[]",
        "https://[1.2.3.4]",
        "https://[v1.canary]",
        "https://[::1%25canary]",
        "https://[::1]canary",
        "http://canary.com[::1]",
        "https://@canary.com",
        "https://canary.com/" + "a" * 9000,
        "https://canary.com/\ud800",
    ],
    ids=lambda url: ascii(url)[:40],
)
@pytest.mark.parametrize("field", ["api", "token_url"])
def test_invalid_urls_are_refused_and_not_repeated(field: str, url: str) -> None:
    """The message names the field, and contains no part of the URL."""
    with pytest.raises(ConfigurationError) as caught:
        environment_with(**{field: url})

    assert f"Environment({field}=...)" in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["/canary/v2", "/v2", "/v1/", "//x", "/;canary", "/.", "/canary/../b", "/canary%2Fb"]
)
def test_the_path_of_the_api_is_a_plain_prefix(path: str) -> None:
    """Calls append `/v2/…` to it, so it has no version of its own."""
    with pytest.raises(ConfigurationError, match=r"Environment\(api=\.\.\.\): expected") as caught:
        environment_with(api=f"https://example.com{path}")

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("path", ["/sikoia", "/gateways/sikoia-1.0/", "/v2x"])
def test_a_gateway_may_have_a_path_prefix(path: str) -> None:
    """Requests go below it."""
    api = f"https://example.com{path}"

    assert environment_with(api=api).api == api.rstrip("/")


@pytest.mark.parametrize("value", [None, 5, b"https://canary.com", ["canary"]])
@pytest.mark.parametrize("field", ["name", "api", "token_url", "scope"])
def test_every_value_is_a_string(field: str, value: Any) -> None:
    """`bytes`, which a configuration file may yield, are named as the mistake."""
    values = {"name": "own", "api": "https://a.com", "token_url": "https://a.com/t", "scope": "s"}
    with pytest.raises(ArgumentTypeError) as caught:
        Environment(**values | {field: value})

    assert f"Environment({field}=...)" in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("api", [None, 5, b"http://localhost"])
def test_a_local_url_is_a_string(api: Any) -> None:
    """`local` refuses other types as `Environment` does."""
    with pytest.raises(ArgumentTypeError, match="Environment"):
        local(api)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example.com.", "https://api.example.com"),
        ("https://api.example.com.:8443/", "https://api.example.com:8443"),
        ("HTTPS://api.example.com", "https://api.example.com"),
        ("HTTP://localhost.", "http://localhost"),
        ("https://xn--mgba3a4f16a.example", "https://xn--mgba3a4f16a.example"),
        ("https://my_gateway:8443", "https://my_gateway:8443"),
    ],
)
def test_a_url_is_normalised(url: str, expected: str) -> None:
    """A dot that ends a host name would match no certificate."""
    assert environment_with(api=url).api == expected
    assert environment_with(token_url=f"{url.rstrip('/')}/token").token_url == f"{expected}/token"


def test_a_trailing_slash_is_ignored() -> None:
    """An origin copied with its slash is the same origin."""
    assert environment_with(api="https://example.com/").api == "https://example.com"


def test_the_token_endpoint_has_a_path() -> None:
    """`token_url` is kept as it is."""
    assert (
        environment_with(token_url="https://example.com/a/token").token_url
        == "https://example.com/a/token"
    )


@pytest.mark.parametrize(
    ("environment", "api", "token_url", "scope"),
    [
        (
            PRODUCTION,
            "https://api.sikoia.com",
            "https://oauth2.sikoia.com/token",
            "https://api.sikoia.com/.default",
        ),
        (
            STAGING,
            "https://api-staging.sikoia.com",
            "https://oauth2-staging.sikoia.com/token",
            "https://api-staging.sikoia.com/.default",
        ),
    ],
    ids=["production", "staging"],
)
def test_production_and_staging_urls(
    environment: Environment, api: str, token_url: str, scope: str
) -> None:
    """The URLs are those of the vendor's documentation."""
    assert (environment.api, environment.token_url, environment.scope) == (api, token_url, scope)


def test_a_local_sikoia_issues_its_own_tokens() -> None:
    """It is the API and the authorization server in one."""
    environment = local("http://127.0.0.1:8400/")

    assert environment == Environment(
        name="local",
        api="http://127.0.0.1:8400",
        token_url="http://127.0.0.1:8400/token",
        scope="http://127.0.0.1:8400/.default",
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("production", PRODUCTION),
        ("staging", STAGING),
        ("https://localhost:8400", local("https://localhost:8400")),
        ("http://127.0.0.1:8400/", local("http://127.0.0.1:8400")),
        ("http://[::1]:8400", local("http://[::1]:8400")),
        ("http://localhost/sikoia", local("http://localhost/sikoia")),
    ],
)
def test_environments_have_names(name: str, expected: Environment) -> None:
    """SIKOIA_ENVIRONMENT can be production, staging, or the URL of a local Sikoia."""
    assert named_environment(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "canary",
        "Production",
        "https://canary.example.com",
        "https://localhost.canary.com",
        "http://user:canary@localhost",
        "http://localhost/canary/v2",
        "http://localhost:99999/canary",
        "canary\n",
    ],
)
def test_a_variable_cannot_name_another_host(name: str) -> None:
    """Setting the variable cannot send the secret elsewhere, and the message has no value."""
    with pytest.raises(ConfigurationError) as caught:
        named_environment(name)

    assert CANARY not in str(caught.value)
