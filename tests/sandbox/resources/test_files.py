"""Links to files, which need no token and expire after minutes."""

from collections.abc import Callable
from types import SimpleNamespace

import httpx

from sikoia_async.sandbox import Credentials, Sandbox, Time
from sikoia_async.sandbox.resources.files import link

Connect = Callable[[Sandbox], httpx.Client]


def _get(client: httpx.Client, url: str) -> httpx.Response:
    """Follow a link without credentials."""
    request = client.build_request("GET", url)
    del request.headers["Authorization"]
    return client.send(request)


def test_a_link_returns_the_file(client: httpx.Client, sandbox: Sandbox) -> None:
    """Without any credentials."""
    url = link(sandbox.state, "ü.png", b"image", minutes=10, media_type="image/png")

    response = _get(client, url)

    assert (response.status_code, response.content) == (200, b"image")
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Content-Disposition"].endswith("%C3%BC.png")
    assert url.startswith(sandbox.url)
    assert "&sig=" in url


def test_requests_with_a_token_are_refused(client: httpx.Client, sandbox: Sandbox) -> None:
    """A client that sends one would leak it to the blob store."""
    response = client.get(link(sandbox.state, "a.pdf", b"file", minutes=10))

    assert response.status_code == 400
    assert "<Error><Code>InvalidAuthenticationInfo</Code>" in response.text


def test_a_wrong_signature_is_refused(client: httpx.Client, sandbox: Sandbox) -> None:
    """So is a missing one, or one that is not ASCII; an unknown file is not found."""
    url = link(sandbox.state, "a.pdf", b"file", minutes=10)
    bare = url.partition("?")[0]

    for wrong in (f"{url}x", bare, f"{bare}?sig=%C3%BC"):
        assert _get(client, wrong).status_code == 403
    assert _get(client, f"{sandbox.url}/sandbox/files/none").status_code == 404


def test_links_expire(connect: Connect, clock: SimpleNamespace) -> None:
    """To the second by the sandbox's clock, with an XML body."""
    with Sandbox(
        time=Time(clock=lambda: clock.now), credentials=Credentials(token_life=10_000)
    ) as sandbox:
        client = connect(sandbox)
        url = link(sandbox.state, "a.pdf", b"file", minutes=10)
        clock.now += 599.0
        before = _get(client, url)
        clock.now += 1.0
        after = _get(client, url)

    assert before.status_code == 200
    assert after.status_code == 403
    assert after.headers["Content-Type"].startswith("application/xml")
    assert "<Code>AuthenticationFailed</Code>" in after.text
