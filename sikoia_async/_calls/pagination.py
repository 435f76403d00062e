"""Lists that come in pages: each page names the next one, and this reads on until there is none.

Of the address that a page names only the query counts, and only on our own origin: it is put on the
path that was asked first, where it says what it says and leaves the other parameters as they were.
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
    """What a list that comes in pages holds: `async for` gives the items of all pages in turn.

    A page is asked for when the one before it is used up, so that to leave early saves calls. Each
    `async for` begins at the first page. Where asking for a page fails, nothing is lost: `anext` on
    the same iterator asks for that page again.

    Raises, while it is read:
        UnexpectedResponseError: a page names a next one that is not on Sikoia's API, or that was
            read before. What came until then is good.
        SikoiaError: what any call may raise.
    """

    _ask: Callable[[str], Awaitable[P]]
    _first: str
    """The path and query of the first page."""
    _origin: str
    _items: Callable[[P], Iterable[T] | None]
    _onward: Callable[[P], str | None]

    def __aiter__(self) -> AsyncIterator[T]:
        return _Items(self.pages(), self._items)

    def pages(self) -> AsyncIterator[P]:
        """Return an iterator over the pages themselves."""
        return _Walk(self._ask, self._first, self._origin, self._onward)


# Classes and no generators: an async generator that is left early makes trio warn, and one that has
# raised is over.


@attrs.define(eq=False)
class _Items(Generic[P, T]):
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
class _Walk(Generic[P]):
    _ask: Callable[[str], Awaitable[P]]
    _first: str
    _origin: str
    _onward: Callable[[P], str | None]
    _page: P | None = None
    _read: set[str] = attrs.field(factory=set[str])

    def __aiter__(self) -> AsyncIterator[P]:
        return self

    async def __anext__(self) -> P:
        target = self._first if self._page is None else self._after(self._page)
        if target is None:
            raise StopAsyncIteration
        self._page = await self._ask(target)
        self._read.add(_merged(target, target))  # in the spelling of those to come
        return self._page

    def _after(self, page: P) -> str | None:
        """Return the target of the page after this one, if there is one."""
        address = self._onward(page)
        if not address:
            return None
        there = target_on(self._origin, address, base=self._first)
        if there is None:
            raise _lost(page, "that is not on Sikoia's API; it is not asked for")
        target = _merged(self._first, there)
        if target in self._read:
            raise _lost(page, "that was read before; going on would never end")
        return target


def _merged(first: str, there: str) -> str:
    """Put the query of one target on another: what it leaves out stays, such as a filter."""
    path, _, given = first.partition("?")
    said = httpx.QueryParams(there.partition("?")[2])
    return f"{path}?{httpx.QueryParams(given).merge(said)}"


def _lost(page: Model, why: str) -> UnexpectedResponseError:
    info = page.response
    # The page itself is good, and was handed out: the error need not keep it.
    return UnexpectedResponseError(
        f"{info.status} with a page that names a next one {why}",
        call=info,
        status=info.status,
        body=b"",
    )
