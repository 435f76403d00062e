"""What type checkers say about parameters that Sikoia has deprecated; they read it, nothing runs.

Each ignore comment is needed, or pyright reports that it is not.
"""

from sikoia_async import Sikoia


async def owners(sikoia: Sikoia) -> None:
    """`owner` is deprecated wherever it is a parameter."""
    await sikoia.cases.list(owner="u-1")  # pyright: ignore[reportDeprecated]
    await sikoia.cases.create(name="Loan", case_type="Business", owner="u-1")  # pyright: ignore[reportDeprecated]
    await sikoia.cases.update("c-1", owner="u-1")  # pyright: ignore[reportDeprecated]
    await sikoia.cases.list(owner_id="u-1")
