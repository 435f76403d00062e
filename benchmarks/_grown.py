"""A local Sikoia with many cases, which tests share."""

import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).parent.parent / "tests"))
from grown import GROUPS, Grown, ask, new_app

__all__ = ["GROUPS", "Grown", "ask", "new_app"]
