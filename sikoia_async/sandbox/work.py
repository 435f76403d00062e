"""Control over pending work: tests finish it or make it fail without waiting for it."""

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from functools import partial

from sikoia_async.sandbox.event_loop import EventLoop
from sikoia_async.sandbox.jobs import KINDS, Job, job, why_it_cannot_fail
from sikoia_async.sandbox.progress import WorkName
from sikoia_async.sandbox.state import State

__all__ = ["Job", "Work"]

_MAX_NAMES = 5
"""How many pending jobs an error message names."""


class Work:
    """All work that takes time, including what has ended.

    Iterating gives a `Job` for each piece of work, oldest first, except for what was deleted. Any
    thread may use this.

    Args:
        state: The records.
        event_loop: Runs functions between requests.
        queue_events: Settles work that has ended, and queues its webhook events.
    """

    def __init__(
        self, state: State, event_loop: EventLoop, queue_events: Callable[[], None]
    ) -> None:
        self._state = state
        self._event_loop = event_loop
        self._queue_events = queue_events

    def __iter__(self) -> Iterator[Job]:
        return iter(self._event_loop.run(lambda: self._jobs(self._started())))

    @property
    def pending(self) -> tuple[Job, ...]:
        """The jobs that have not ended yet, oldest first."""
        return self._event_loop.run(lambda: self._jobs(self._pending()))

    def finish(self, id: str, *, kind: str | None = None) -> None:  # noqa: A002 - the API's word
        """End work now, with the outcome that it would have had.

        Work that it depends on is not finished first: insights whose only document is still pending
        fail. Webhooks are sent as usual.

        Args:
            id: The id that the API uses for it: of the request, the document, the connection, the
                refreshed account or the check.
            kind: A value of `Job.kind`, if the id alone is ambiguous: a document and its integrity
                check have the same id. By default, everything pending with this id ends.

        Raises:
            ValueError: No such work is pending, or the kind is unknown.
            TypeError: The id is not a string.
        """
        _require_string("id", id)
        self._event_loop.run(lambda: self._end(self._find(id, kind)))

    def fail(
        self,
        id: str,  # noqa: A002 - as above
        message: str | None = None,
        *,
        kind: str | None = None,
    ) -> None:
        """End work now with the status `Failed`; for a bank connection, `Rejected`.

        Webhooks are sent as usual. A failed document contributes nothing to insights and checks.

        Args:
            id: As for `finish`.
            message: The `message` of the API's responses. Bank connections have none.
            kind: As for `finish`.

        Raises:
            ValueError: No such work is pending, the kind is unknown, or the API has no failure or
                no message for such work.
            TypeError: The id or the message is not a string.
        """
        _require_string("id", id)
        _require_message(message)
        self._event_loop.run(partial(self._fail, id, kind, message))

    def finish_all(self) -> None:
        """End all pending work now, as if the clock had advanced."""
        self._event_loop.run(lambda: self._end(sorted(self._pending(), key=self._due)))

    def _jobs(self, names: Sequence[WorkName]) -> tuple[Job, ...]:
        return tuple(job(self._state, *name) for name in names)

    def _started(self) -> list[WorkName]:
        self._queue_events()
        return self._state.progress.started()

    def _pending(self) -> list[WorkName]:
        """Return what is pending, after settling what has ended by itself."""
        self._queue_events()
        return self._state.progress.pending()

    def _due(self, name: WorkName) -> float:
        kind, key = name
        return self._state.store(kind).get(key).due

    def _find(self, job_id: str, kind: str | None) -> list[WorkName]:
        if kind is not None and kind not in KINDS:
            closest = get_close_matches(kind, KINDS, n=len(KINDS), cutoff=0)
            msg = f"kind: unknown kind {kind!r}; the closest are {', '.join(closest[:3])}"
            raise ValueError(msg)
        pending = self._pending()
        jobs = self._jobs(pending)
        matches = [
            name
            for name, one in zip(pending, jobs, strict=True)
            if one.id == job_id and kind in (None, one.kind)
        ]
        if not matches:
            raise ValueError(_not_pending(job_id, jobs))
        return matches

    def _fail(self, job_id: str, kind: str | None, message: str | None) -> None:
        names = self._find(job_id, kind)
        for store, key in names:
            if reason := why_it_cannot_fail(store, self._state.store(store).get(key)):
                raise ValueError(reason)
            if store == "connections" and message is not None:
                msg = "message: leave it out; in the API, bank connections have no message"
                raise ValueError(msg)
        self._end(names, message or "The work was made to fail.")

    def _end(self, names: Sequence[WorkName], failure: str | None = None) -> None:
        for kind, key in names:
            self._state.progress.end(kind, key, failure)
        self._queue_events()


def _require_string(name: str, value: object) -> None:
    if not isinstance(value, str):
        msg = f"{name}: expected a string, not {type(value).__name__}"
        raise TypeError(msg)


def _require_message(message: str | None) -> None:
    if message is None:
        return
    _require_string("message", message)
    if not message.strip():
        msg = "message: expected a string that is not empty, or None"
        raise ValueError(msg)
    # A lone surrogate cannot be sent in a response; this raises a ValueError.
    message.encode()


def _not_pending(job_id: str, pending: Sequence[Job]) -> str:
    """Describe what is pending instead."""
    names = [f"{one.kind} {one.id}" for one in pending]
    if not names:
        return "nothing is pending: it has ended, was deleted or was never started"
    closest = ", ".join(get_close_matches(job_id, names, n=_MAX_NAMES, cutoff=0))
    return f"no such work is pending; the closest of {len(names)} jobs are {closest}"
