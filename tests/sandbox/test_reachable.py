"""The docs' table of the values that the local Sikoia returns is up to date."""

from sandbox.reachable import PAGE, replaced


def test_the_table_of_values_is_up_to_date() -> None:
    """`PYTHONPATH=tests python -m sandbox.reachable` updates it; new gaps need a reason there."""
    page = PAGE.read_text(encoding="utf-8")

    assert replaced(page) == page
