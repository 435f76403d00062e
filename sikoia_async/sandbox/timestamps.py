"""The two timestamp formats of the API."""

from datetime import datetime


def long_timestamp(moment: datetime) -> str:
    """Format with seven decimals and an offset, as lists of cases and users do."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0+00:00"


def short_timestamp(moment: datetime) -> str:
    """Format with milliseconds and a Z, as single cases do."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
