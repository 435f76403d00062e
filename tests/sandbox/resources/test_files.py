"""Links to files: no token, no longer than minutes."""

from collections.abc import Callable
from types import SimpleNamespace

import httpx

from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.resources.files import link

Connect = Callable[[Sandbox], httpx.Client]


def _get(client: httpx.Client, url: str) -> httpx.Response:
    """Follow a link as a stranger does."""
    request = client.build_request("GET", url)
    del request.headers["Authorization"]
    return client.send(request)


def test_a_link_leads_to_the_file(client: httpx.Client, sandbox: Sandbox) -> None:
    """Whoever holds it may read the file, and nobody has to say who they are."""
    url = link(sandbox.state, "ü.png", b"image", minutes=10, media_type="image/png")

    answer = _get(client, url)

    assert (answer.status_code, answer.content) == (200, b"image")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Disposition"].endswith("%C3%BC.png")
    assert url.startswith(sandbox.url)
    assert "&sig=" in url


def test_a_token_has_no_business_there(client: httpx.Client, sandbox: Sandbox) -> None:
    """Who sends one is told so: a client would give it away."""
    answer = client.get(link(sandbox.state, "a.pdf", b"file", minutes=10))

    assert answer.status_code == 400
    assert "<Error><Code>InvalidAuthenticationInfo</Code>" in answer.text


def test_a_wrong_signature_opens_nothing(client: httpx.Client, sandbox: Sandbox) -> None:
    """Nor does none, nor one that is no text; and what never was is not found."""
    url = link(sandbox.state, "a.pdf", b"file", minutes=10)
    bare = url.partition("?")[0]

    for wrong in (f"{url}x", bare, f"{bare}?sig=%C3%BC"):
        assert _get(client, wrong).status_code == 403
    assert _get(client, f"{sandbox.url}/sandbox/files/none").status_code == 404


def test_a_link_is_over_in_time(connect: Connect, clock: SimpleNamespace) -> None:
    """To the second, by the sandbox's clock, with a body of XML."""
    with Sandbox(clock=lambda: clock.now, token_life=10_000) as sandbox:
        client = connect(sandbox)
        url = link(sandbox.state, "a.pdf", b"file", minutes=10)
        clock.now = 599.0
        before = _get(client, url)
        clock.now = 600.0
        after = _get(client, url)

    assert before.status_code == 200
    assert after.status_code == 403
    assert after.headers["Content-Type"].startswith("application/xml")
    assert "<Code>AuthenticationFailed</Code>" in after.text
