"""Environments: which URLs credentials may be sent to."""

import pytest

from sikoia_async.environments import PRODUCTION, STAGING, Environment, local, named
from sikoia_async.errors import ConfigurationError

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
    ],
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
    assert named(name) == expected


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
        named(name)

    assert CANARY not in str(caught.value)
