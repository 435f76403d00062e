"""Cassettes: responses of an environment, recorded without personal data and replayed offline."""

from sikoia_async.testing.cassettes.cassette import Cassette as Cassette
from sikoia_async.testing.cassettes.file import CassetteError as CassetteError

__all__ = ["Cassette", "CassetteError"]
