"""What an environment answered, recorded without what is about anybody, to be replayed offline."""

from sikoia_async.testing.cassettes.cassette import Cassette as Cassette
from sikoia_async.testing.cassettes.tape import CassetteError as CassetteError

__all__ = ["Cassette", "CassetteError"]
