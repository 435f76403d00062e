"""The limits of a client: how many requests at once, and how large bodies may be."""

from __future__ import annotations

from typing import Final

import attrs

from sikoia_async._validation import settings, validate_seconds, validate_whole

__all__ = ["Limits"]

_KIB: Final = 1024
_MIB: Final = 1024 * 1024


@attrs.frozen(kw_only=True)
class Limits:
    """Limits of a client, for `Sikoia(limits=Limits(...))`. Sizes are in bytes.

    Raises:
        ArgumentTypeError: a value is not a number.
        ConfigurationError: a value is too small.
    """

    max_in_flight: int = 16
    """How many requests may be in flight at once. The second requests of safe calls that get no
    response come on top of it."""
    max_body: int = 32 * _MIB
    """The maximum size of a response, after decompression."""
    max_error_body: int = 64 * _KIB
    """The same for error responses, which are truncated."""
    max_file: int = 100 * _MIB
    """The maximum size of a file that is uploaded, or saved by `save` or `reports.save_excel`."""
    max_json: int = 8 * _MIB
    """The maximum size of a JSON response, which may have one value for every 20 bytes of it.
    Decoding more takes more memory, and may stop the event loop for longer."""
    connect_timeout: float = 10.0
    """Seconds to open a connection, TLS included."""

    def __attrs_post_init__(self) -> None:
        with settings():
            for name, value in attrs.asdict(self).items():
                what = f"Limits: {name}"
                is_time = name == "connect_timeout"
                valid = (
                    validate_seconds(what, value)
                    if is_time
                    else validate_whole(what, value, least=1)
                )
                object.__setattr__(self, name, valid)
