"""Virtual time: the clock jumps whenever the event loop would sleep."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).parent.parent / "tests"))
from virtual import VirtualLoop

__all__ = ["VirtualLoop", "now"]


def now() -> float:
    """Return the time of the running loop."""
    return asyncio.get_running_loop().time()
