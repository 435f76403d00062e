"""What all requests cost, without a look at each of them each time that somebody asks."""

import attrs

from sikoia_async.sandbox.ledger.asked import Asked
from sikoia_async.sandbox.ledger.ledger import Ledger

__all__ = ["Spend"]


@attrs.define
class Spend:
    """Adds up the costs of a ledger, and remembers how far it has come.

    The page asks once a second, in the event loop of the API: with 100,000 requests in the ledger
    each of its looks would hold up the API.
    """

    _first: Asked | None = None
    _last: Asked | None = None
    """Up to this one all have ended, so that their costs stay what they are."""
    _credits: int = 0
    """What those cost together."""

    def of(self, ledger: Ledger) -> int:
        """Return what all requests cost together, in credits."""
        self._see_whether_it_goes_on(ledger)
        newer = ledger.since(self._last.number if self._last else 0)
        under_way = next((at for at, asked in enumerate(newer) if asked.seconds is None), None)
        ended = newer[:under_way]
        if ended:
            self._first = self._first or ended[0]
            self._last = ended[-1]
            self._credits += sum(asked.cost for asked in ended)
        return self._credits + sum(asked.cost for asked in newer[len(ended) :])

    def _see_whether_it_goes_on(self, ledger: Ledger) -> None:
        """Begin again, if the ledger was cleared or taken back: numbers are never given twice."""
        if self._last and (ledger.get(self._last.number), *ledger[:1]) == (self._last, self._first):
            return
        self._first = self._last = None
        self._credits = 0
