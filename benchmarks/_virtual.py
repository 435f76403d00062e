"""Time that jumps where an event loop would sleep: hours of waiting take a moment."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).parent.parent / "tests"))
from virtual import VirtualLoop

__all__ = ["VirtualLoop", "now"]


def now() -> float:
    """Return the seconds of the loop that runs."""
    return asyncio.get_running_loop().time()
