"""Lists that come in pages, read one page at a time.

Each page names the URL of the next one. Only the query of that URL is used: it is merged into the
query of the first page, so that filters stay in place. Scheme, host and path are ignored, because a
gateway or a forwarded port hides the host that Sikoia believes to have.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from typing import Any, Final, Generic, TypeVar

import attrs
import httpx

from sikoia_async._calls.urls import is_on, target_of
from sikoia_async._codec.drift import Drift
from sikoia_async._errors import UnexpectedResponseError
from sikoia_async._transport.tracebacks import without_frames
from sikoia_async._validation import NotCopyable
from sikoia_async.models import Items, Model, items_of

__all__ = ["Pages"]

P = TypeVar("P", bound=Model)
T = TypeVar("T")


_NOT_COPYABLE: Final = (
    "a list in pages cannot be pickled or copied, because it belongs to its client: pass its items"
)


@attrs.frozen(eq=False, repr=False)
class Pages(NotCopyable, Generic[P, T]):
    """A list that comes in pages: `async for` yields the items of all pages in turn.

        async for request in sikoia.webhooks.log(webhook):
            print(request.webhook_event_status)
        requests = await sikoia.webhooks.log(webhook)  # all of them, as a list

    A page is fetched when the previous one is used up, so leaving early saves calls. Each
    `async for` starts at the first page. If fetching a page fails, call `anext` on the same
    iterator to fetch that page again.

    Raises, while it is read:
        UnexpectedResponseError: the next page that a page names is not a URL, or was already read.
            The items read so far are valid.
        SikoiaError: what any call may raise.
    """

    _not_copyable = _NOT_COPYABLE

    _fetch: Callable[[str], Awaitable[P]]
    _first: str
    """Path and query of the first page."""
    _origin: str
    _items: Callable[[P], Iterable[T] | None]
    _next_url: Callable[[P], str | None]
    _drift: Drift

    def __aiter__(self) -> AsyncIterator[T]:
        return _ItemIterator(self.pages(), self._items)

    def __await__(self) -> Generator[Any, Any, Items[T]]:
        """Read all pages, and return their items. `response` is that of the last page."""
        return self._read_all().__await__()

    def pages(self) -> AsyncIterator[P]:
        """Return an iterator over the pages themselves."""
        return _PageIterator(self._fetch, self._first, self._origin, self._next_url, self._drift)

    @without_frames
    async def _read_all(self) -> Items[T]:
        pages = self.pages()
        page = await anext(pages)
        items = [*(self._items(page) or ())]
        async for page in pages:
            items += self._items(page) or ()
        return items_of(items, page)


# Classes instead of async generators: trio warns about a generator that is not exhausted, and a
# generator that has raised cannot continue.


@attrs.define(eq=False)
class _ItemIterator(NotCopyable, Generic[P, T]):
    _not_copyable = _NOT_COPYABLE

    _pages: AsyncIterator[P]
    _items: Callable[[P], Iterable[T] | None]
    _left: Iterator[T] = attrs.field(factory=lambda: iter(()))

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    @without_frames
    async def __anext__(self) -> T:
        while True:
            for item in self._left:
                return item
            self._left = iter(self._items(await anext(self._pages)) or ())


@attrs.define(eq=False)
class _PageIterator(NotCopyable, Generic[P]):
    _not_copyable = _NOT_COPYABLE

    _fetch: Callable[[str], Awaitable[P]]
    _first: str
    _origin: str
    _next_url: Callable[[P], str | None]
    _drift: Drift
    _page: P | None = None
    _read: set[str] = attrs.field(factory=set[str])

    def __aiter__(self) -> AsyncIterator[P]:
        return self

    @without_frames
    async def __anext__(self) -> P:
        target = self._first if self._page is None else self._target_after(self._page)
        if target is None:
            raise StopAsyncIteration
        self._page = await self._fetch(target)
        self._read.add(_merged(target, target))  # spelt like the targets of later pages
        return self._page

    def _target_after(self, page: P) -> str | None:
        url = (self._next_url(page) or "").strip()
        if not url:
            return None
        named = target_of(url, self._origin, base=self._first)
        if named is None:
            raise _bad_next_page(page, "whose URL cannot be read")
        if not is_on(self._origin, url):
            self._drift.count(type(page).__name__, "next page on another host")
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
