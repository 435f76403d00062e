"""Keeps a local Sikoia in a folder: restores it at the start, and saves it while it runs."""

import logging
from typing import Final, cast

import anyio
import attrs

from sikoia_async.sandbox.app import App
from sikoia_async.sandbox.clock import real_seconds
from sikoia_async.sandbox.settings import Credentials, Options, Time
from sikoia_async.sandbox.snapshot import Snapshot
from sikoia_async.sandbox.state_folder import SavedState, StateFolder, fingerprint, now

__all__ = ["Saver", "with_saved"]

_LOGGER: Final = logging.getLogger(__name__)
_PAUSE: Final = 1.0
"""Real seconds between two checks for changes."""
_SHARE: Final = 20
"""How many times longer to pause than a save takes, so that saving never takes most of the time."""


def with_saved(options: Options, saved: SavedState | None) -> Options:
    """Return options with the saved seed and secret, unless they have others.

    Raises:
        ValueError: They have another seed.
    """
    if saved is None:
        return options
    if options.get("seed", saved.seed) != saved.seed:
        msg = f"seed: the saved state has the seed {saved.seed}; use that or another folder"
        raise ValueError(msg)
    credentials = options.get("credentials", Credentials())
    if credentials.client_secret is None:
        credentials = attrs.evolve(credentials, client_secret=saved.client_secret)
    return cast("Options", {**options, "seed": saved.seed, "credentials": credentials})


class Saver:
    """Saves a local Sikoia into a folder.

    Args:
        app: The local Sikoia.
        folder: The folder.
    """

    def __init__(self, app: App, folder: StateFolder) -> None:
        self._app = app
        self._folder = folder

    def restore(self, saved: SavedState, time: Time) -> None:
        """Continue from a saved state, before the server starts.

        A clock that shows the real time shows it again; any other goes on where it stopped.

        Args:
            saved: The state.
            time: The settings of the clock.
        """
        shape = self._app.deliveries.shape
        self._app.restore(saved.snapshot)
        self._app.deliveries.shape = shape
        if time == Time():
            self._app.clock.advance(max(0.0, (now() - saved.moment).total_seconds()))

    def save(self) -> None:
        """Save the state, unless nothing has changed.

        Raises:
            OSError: The file cannot be written; what was saved before is kept.
        """
        self._folder.save(*self._current())

    async def run(self) -> None:
        """Save changes once a second, or less often if that takes long."""
        pause = _PAUSE
        while True:
            await anyio.sleep(pause)
            started = real_seconds()
            try:
                await anyio.to_thread.run_sync(self._folder.save, *self._current())
            except OSError as exc:
                _LOGGER.warning("the state of the local Sikoia cannot be saved: %s", exc)
            pause = max(_PAUSE, _SHARE * (real_seconds() - started))

    def _current(self) -> tuple[SavedState, object]:
        snapshot = self._app.snapshot()
        state = SavedState(
            seed=snapshot.seed,
            client_secret=self._app.application.client_secret,
            snapshot=snapshot,
            moment=now(),
        )
        return state, self._version(snapshot)

    def _version(self, snapshot: Snapshot) -> object:
        """Return a value that changes with the state, but not while only time passes."""
        clock = self._app.clock
        jumps = round(clock() - real_seconds() * clock.speed)
        return jumps, fingerprint(snapshot.without_clock())
