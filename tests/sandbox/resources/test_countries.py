"""Which countries and jurisdictions the local Sikoia knows."""

import pytest

from sikoia_async.sandbox.resources.countries import is_country, is_jurisdiction


@pytest.mark.parametrize("code", ["GB", "gb", "US", "XK", "AX"])
def test_codes_of_iso_are_countries(code: str) -> None:
    """In any case; and Kosovo's."""
    assert is_country(code)
    assert is_jurisdiction(code)


@pytest.mark.parametrize("code", ["UK", "ZZ", "XX", "EU", "", "G", "GBR", "ß", " GB", "GB\n", "_"])
def test_other_codes_are_not(code: str) -> None:
    """`ß` in upper case is `SS`, the code of South Sudan."""
    assert not is_country(code)
    assert not is_jurisdiction(code)


@pytest.mark.parametrize("code", ["US_DE", "us_de", "CA_ON", "GB_01"])
def test_a_jurisdiction_may_have_a_subdivision(code: str) -> None:
    """Of two letters or digits, as in the specification's pattern."""
    assert is_jurisdiction(code)
    assert not is_country(code)


@pytest.mark.parametrize(
    "code", ["US_", "US_D", "US_DEL", "UK_EN", "_DE", "US-DE", "US_DE_", "US_ÄB"]
)
def test_other_subdivisions_are_not_jurisdictions(code: str) -> None:
    """Also where the country is unknown."""
    assert not is_jurisdiction(code)
