"""Lists that come in pages, read one page at a time.

Each page names the URL of the next one. Only the query of that URL is used, and only if it is on
the API's origin: it is merged into the query of the first page, so that filters stay in place.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Generic, TypeVar

import attrs
import httpx

from sikoia_async._calls.urls import target_on
from sikoia_async._errors import UnexpectedResponseError
from sikoia_async.models import Model

__all__ = ["Pages"]

P = TypeVar("P", bound=Model)
T = TypeVar("T")


@attrs.frozen(eq=False, repr=False)
class Pages(Generic[P, T]):
    """A list that comes in pages: `async for` yields the items of all pages in turn.

    A page is fetched when the previous one is used up, so leaving early saves calls. Each
    `async for` starts at the first page. If fetching a page fails, call `anext` on the same
    iterator to fetch that page again.

    Raises, while it is read:
        UnexpectedResponseError: a page names a next page that is not on Sikoia's API, or that was
            already read. The items read so far are valid.
        SikoiaError: what any call may raise.
    """

    _fetch: Callable[[str], Awaitable[P]]
    _first: str
    """Path and query of the first page."""
    _origin: str
    _items: Callable[[P], Iterable[T] | None]
    _next_url: Callable[[P], str | None]

    def __aiter__(self) -> AsyncIterator[T]:
        return _ItemIterator(self.pages(), self._items)

    def pages(self) -> AsyncIterator[P]:
        """Return an iterator over the pages themselves."""
        return _PageIterator(self._fetch, self._first, self._origin, self._next_url)


# Classes instead of async generators: trio warns about a generator that is not exhausted, and a
# generator that has raised cannot continue.


@attrs.define(eq=False)
class _ItemIterator(Generic[P, T]):
    _pages: AsyncIterator[P]
    _items: Callable[[P], Iterable[T] | None]
    _left: Iterator[T] = attrs.field(factory=lambda: iter(()))

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while True:
            for item in self._left:
                return item
            self._left = iter(self._items(await anext(self._pages)) or ())


@attrs.define(eq=False)
class _PageIterator(Generic[P]):
    _fetch: Callable[[str], Awaitable[P]]
    _first: str
    _origin: str
    _next_url: Callable[[P], str | None]
    _page: P | None = None
    _read: set[str] = attrs.field(factory=set[str])

    def __aiter__(self) -> AsyncIterator[P]:
        return self

    async def __anext__(self) -> P:
        target = self._first if self._page is None else self._target_after(self._page)
        if target is None:
            raise StopAsyncIteration
        self._page = await self._fetch(target)
        self._read.add(_merged(target, target))  # spelt like the targets of later pages
        return self._page

    def _target_after(self, page: P) -> str | None:
        url = self._next_url(page)
        if not url:
            return None
        named = target_on(self._origin, url, base=self._first)
        if named is None:
            raise _bad_next_page(page, "outside Sikoia's API, which is not fetched")
        target = _merged(self._first, named)
        if target in self._read:
            raise _bad_next_page(page, "that was already read, so the list would never end")
        return target


def _merged(first: str, named: str) -> str:
    """Return the path of `first` with both queries; parameters of `named` replace its own."""
    path, _, query = first.partition("?")
    params = httpx.QueryParams(named.partition("?")[2])
    return f"{path}?{httpx.QueryParams(query).merge(params)}"


def _bad_next_page(page: Model, why: str) -> UnexpectedResponseError:
    info = page.response
    # The page itself is valid and was returned, so the error does not keep its body.
    return UnexpectedResponseError(
        f"{info.status} with a next page {why}",
        call=info,
        status=info.status,
        body=b"",
    )
