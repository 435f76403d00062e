"""Every row of the fault matrix is covered."""

import pytest
from reliability.rows import ROWS, held_by, missing


def test_the_table_has_every_row() -> None:
    """190 rows, once each."""
    assert missing() == set()
    assert len(ROWS) == 190


@pytest.mark.parametrize("row", ROWS)
def test_a_row_names_its_tests_or_a_reason(row: str) -> None:
    """Renaming or deleting a test breaks its row."""
    entry = ROWS[row]
    named = held_by(entry)

    assert entry.startswith("out: ") or named
    assert all(named.values()), named
