"""No row of the matrix is forgotten."""

import pytest
from reliability.rows import ROWS, held_by, missing


def test_the_table_has_every_row() -> None:
    """All 190 of them, once each."""
    assert missing() == set()
    assert len(ROWS) == 190


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_held_by_a_test_or_says_why_not(row: str) -> None:
    """What it names is there: a test that was renamed no longer holds its row."""
    said = ROWS[row]
    named = held_by(said)

    assert said.startswith("out: ") or named
    assert all(named.values()), named
