"""Addresses: where a secret may go, and where it may not."""

import pytest

from sikoia_async.environments import PRODUCTION, STAGING, Environment, local, named
from sikoia_async.errors import ConfigurationError

CANARY = "canary"


def at(**addresses: str) -> Environment:
    """Make an environment at these addresses."""
    good = {"api": "https://api.example.com", "token_url": "https://example.com/token"}
    return Environment(name="own", scope="s", **good | addresses)


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
def test_good_origins_are_taken(api: str) -> None:
    """Https goes anywhere, and plain http to this machine."""
    assert at(api=api).api == api


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
def test_bad_addresses_are_refused_and_not_repeated(field: str, url: str) -> None:
    """What is no safe address is refused by a text that has no part of it."""
    with pytest.raises(ConfigurationError) as caught:
        at(**{field: url})

    assert f"Environment({field}=...)" in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("path", ["/canary", "/v2/canary", "//x", "/;canary", "/."])
def test_an_origin_has_no_path(path: str) -> None:
    """The API's address is scheme, host and port alone."""
    with pytest.raises(ConfigurationError, match="scheme, host and port alone") as caught:
        at(api=f"https://example.com{path}")

    assert CANARY not in str(caught.value)


def test_a_closing_slash_does_no_harm() -> None:
    """An origin that was copied with its slash is the same origin."""
    assert at(api="https://example.com/").api == "https://example.com"


def test_the_token_endpoint_has_a_path() -> None:
    """The token's address is kept as it is given."""
    assert at(token_url="https://example.com/a/token").token_url == "https://example.com/a/token"


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
def test_sikoias_own_addresses(
    environment: Environment, api: str, token_url: str, scope: str
) -> None:
    """The two environments are where the documentation says."""
    assert (environment.api, environment.token_url, environment.scope) == (api, token_url, scope)


def test_local_serves_its_own_tokens() -> None:
    """A local Sikoia is API and authorization server in one."""
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
    ],
)
def test_environments_have_names(name: str, expected: Environment) -> None:
    """A variable can name production, staging, or a local Sikoia."""
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
        "http://localhost/canary",
        "http://localhost:99999/canary",
        "canary\n",
    ],
)
def test_a_variable_leads_to_no_other_host(name: str) -> None:
    """Whoever can set a variable cannot send the secret elsewhere, nor read the refused value."""
    with pytest.raises(ConfigurationError) as caught:
        named(name)

    assert CANARY not in str(caught.value)
