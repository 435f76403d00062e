"""The two ways in which Sikoia writes a moment down."""

from datetime import datetime


def long_timestamp(moment: datetime) -> str:
    """Write seven digits and an offset, as lists of cases and users do."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0+00:00"


def short_timestamp(moment: datetime) -> str:
    """Write milliseconds and a Z, as single cases do."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
