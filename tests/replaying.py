"""A replay store in memory, which tests slow down or break."""

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from sikoia_async.stores.protocols import Claim

__all__ = ["MemoryReplay"]


class MemoryReplay:
    """A replay store on the clock of the event loop. Subclasses override `work`."""

    def __init__(self) -> None:
        self.keys: dict[str, float] = {}
        """What is done, with the seconds that it was to be remembered for."""
        self.claims: dict[str, tuple[str, float]] = {}
        """Owners, and the times at which their claims end."""
        self.calls = 0

    async def work(self) -> None:
        """Do what a call of the store does first."""

    async def claim(self, key: str, owner: str, *, ttl: float) -> "Claim":
        """Reserve a key for one owner."""
        await self._call()
        if key in self.keys:
            return "done"
        holder, end = self.claims.get(key, (owner, 0.0))
        if holder != owner and end > anyio.current_time():
            return "busy"
        self.claims[key] = (owner, anyio.current_time() + ttl)
        return "new"

    async def confirm(self, key: str, *, ttl: float) -> None:
        """Remember that a key is done."""
        await self._call()
        self.keys[key] = ttl
        self.claims.pop(key, None)

    async def release(self, key: str, owner: str) -> None:
        """Give a claim back."""
        await self._call()
        if self.claims.get(key, ("",))[0] == owner:
            del self.claims[key]

    async def seen(self, key: str) -> bool:
        """Return whether a key is done."""
        await self._call()
        return key in self.keys

    async def _call(self) -> None:
        self.calls += 1
        await self.work()
