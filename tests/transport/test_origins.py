"""The origins that requests were sent to."""

from sikoia_async._transport import origins


def test_an_origin_is_known_in_any_letter_case() -> None:
    """As URLs in error reports may have it."""
    origins.remember("https://API.example")

    assert origins.is_known("https://api.EXAMPLE")
    assert not origins.is_known("http://api.example")


def test_only_the_newest_origins_are_kept() -> None:
    """A server that fetches links for others must not run out of memory."""
    for number in range(1500):
        origins.remember("https://api.example")
        origins.remember(f"https://files-{number}.example")

    assert origins.is_known("https://api.example")
    assert origins.is_known("https://files-1499.example")
    assert not origins.is_known("https://files-0.example")
