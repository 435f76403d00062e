"""What a file of SQLite needs to know of its host: clocks, when it was started, and its mounts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Host", "read_boot_id"]

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""Counts from the start of the host, the same in all processes, and is never set. Linux's
`CLOCK_BOOTTIME` also counts while the host is suspended, as does `CLOCK_MONOTONIC` of macOS."""


def _now() -> float:
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


def read_boot_id(file: Path = _BOOT_ID) -> str:
    """Return the id of the host's last start; empty if the system has none."""
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


@attrs.frozen(kw_only=True)
class Host:
    """The host that a process runs on. Tests pass another one."""

    now: Callable[[], float] = _now
    """Seconds since the host was started. Leases, locks, claims, tokens and events are timed by it,
    so that a clock that is set changes nothing."""
    wall: Callable[[], float] = time.time
    """Seconds since the epoch, for what must outlive a restart of the host: spend, purchases, and
    which webhook events were handled."""
    boot_id: str = attrs.field(factory=read_boot_id)
    """Differs after each start of the host. Only Linux has one; elsewhere it is empty, and a start
    is noticed because `now` counts from zero again."""
    mounts: Path = Path("/proc/self/mountinfo")
    """The mounts, as Linux lists them (proc(5)). Elsewhere the file does not exist, and network
    file systems are not recognized."""
