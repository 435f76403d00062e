"""Work that is under way, for who will not wait for its end: it is finished, or made to fail."""

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from functools import partial

from sikoia_async.sandbox.event_loop import EventLoop
from sikoia_async.sandbox.jobs import KINDS, Job, job, obstacle
from sikoia_async.sandbox.state import State

__all__ = ["Job", "Work"]

_SHOWN = 5
"""How much pending work a complaint names."""

Name = tuple[str, str]
"""The kind of work, and its key in the store of that kind."""


class Work:
    """All work that the local Sikoia does in its own time, what has ended included.

    Iterating gives a `Job` for each piece, in the order in which they began; those of what was
    deleted are gone. To look at work that has ended settles what it has come to, as a request for
    it does. Any thread may do all of this.

    Args:
        state: Where the work is.
        event_loop: Runs the reads and changes between requests.
        notice: Settles what webhooks are told of work that has ended.
    """

    def __init__(self, state: State, event_loop: EventLoop, notice: Callable[[], None]) -> None:
        self._state = state
        self._event_loop = event_loop
        self._notice = notice

    def __iter__(self) -> Iterator[Job]:
        return iter(self._event_loop.run(lambda: self._jobs(self._state.work())))

    @property
    def pending(self) -> tuple[Job, ...]:
        """What has not ended yet, in the order in which it began."""
        jobs = self._event_loop.run(lambda: self._jobs(self._pending()))
        return tuple(one for one in jobs if one.is_pending)

    def finish(self, id: str, *, kind: str | None = None) -> None:  # noqa: A002 - the API's word
        """Let work end now, as it would have ended by itself.

        It is not waited for what it depends on: insights that need a document fail if that is
        still pending. Webhooks are told as usual.

        Args:
            id: By which the API is asked for it: of the request, the document, the connection, the
                account that is refreshed, or the check.
            kind: What `Job.kind` says, where the id alone would be too much: a document has the
                same one as the check of its integrity. Left out, all that is pending ends.

        Raises:
            ValueError: No such work is pending, or there is no such kind.
            TypeError: The id is no text.
        """
        _require_text("id", id)
        self._event_loop.run(lambda: self._end(self._find(id, kind)))

    def fail(
        self,
        id: str,  # noqa: A002 - as above
        message: str | None = None,
        *,
        kind: str | None = None,
    ) -> None:
        """Let work end now, with the status `Failed`; with `Rejected`, if it is a connection.

        Webhooks are told as usual. A document that has failed gives nothing to insights and checks.

        Args:
            id: As for `finish`.
            message: What the API answers as its `message`, where it has one; a bank connection has
                none.
            kind: As for `finish`.

        Raises:
            ValueError: No such work is pending, or there is no such kind; or the API has no word
                for its failure, or no message.
            TypeError: The id or the message is no text.
        """
        _require_text("id", id)
        _require_message(message)
        self._event_loop.run(partial(self._fail, id, kind, message))

    def finish_all(self) -> None:
        """Let all work that is pending end now, as when the clock moves on."""
        self._event_loop.run(lambda: self._end(self._pending()))

    def _jobs(self, names: Sequence[Name]) -> tuple[Job, ...]:
        return tuple(job(self._state, *name) for name in names)

    def _pending(self) -> list[Name]:
        """Find what is under way, once it is told what has ended by itself."""
        self._notice()
        return self._state.under_way()

    def _find(self, wanted: str, kind: str | None) -> list[Name]:
        if kind is not None and kind not in KINDS:
            nearest = get_close_matches(kind, KINDS, n=len(KINDS), cutoff=0)
            msg = f"kind: there is no {kind!r}; the nearest are {', '.join(nearest[:3])}"
            raise ValueError(msg)
        pending = self._pending()
        jobs = self._jobs(pending)
        found = [
            name
            for name, one in zip(pending, jobs, strict=True)
            if one.id == wanted and kind in (None, one.kind) and one.is_pending
        ]
        if not found:
            raise ValueError(_complaint(wanted, jobs))
        return found

    def _fail(self, wanted: str, kind: str | None, message: str | None) -> None:
        names = self._find(wanted, kind)
        for what, key in names:
            if reason := obstacle(what, self._state.store(what).get(key)):
                raise ValueError(reason)
            if what == "connections" and message is not None:
                msg = "message: a bank connection has none in the API, so leave it out"
                raise ValueError(msg)
        self._end(names, message or "The work was made to fail.")

    def _end(self, names: Sequence[Name], failure: str | None = None) -> None:
        # Each goes to the front, so that the first one comes to stand there.
        for kind, key in reversed(names):
            self._state.end(kind, key, failure)
        # The moment of their end is this one, and not that of the next request.
        self._jobs(names)
        self._notice()


def _require_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        msg = f"{name}: give a text, not {type(value).__name__}"
        raise TypeError(msg)


def _require_message(message: str | None) -> None:
    if message is None:
        return
    _require_text("message", message)
    if not message.strip():
        msg = "message: say something, or leave it out"
        raise ValueError(msg)
    # No answer could repeat half a surrogate pair; the error is a ValueError.
    message.encode()


def _complaint(wanted: str, pending: Sequence[Job]) -> str:
    """Say what is there in place of what was wanted."""
    named = [f"{one.kind} {one.id}" for one in pending]
    if not named:
        return "nothing is pending: it has ended, or was deleted, or never began"
    shown = ", ".join(get_close_matches(wanted, named, n=_SHOWN, cutoff=0))
    return f"no such work is pending; the nearest of {len(named)} that is: {shown}"
