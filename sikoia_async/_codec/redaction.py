"""Redacts the texts of API errors: words of Sikoia's own messages stay, all others are hidden.

The detail of an error names the invalid field and may repeat its value: a name, an account, an id.
Messages of exceptions end up in logs and tickets, so every word that is not on the list below
becomes `***`. The full text is in `APIError.detail`.
"""

import re
from typing import Final

__all__ = ["redact"]

_HIDDEN: Final = "***"
_MAX_LENGTH: Final = 300
# Anything but ASCII punctuation and space. Other characters belong to a word, which is then hidden,
# and an apostrophe joins two words.
_WORD: Final = re.compile(r"[^\s !-&(-/:-@[-^`{-~]+")
_JOINT: Final = re.compile("['\u2019_]")
_PART: Final = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_HIDDEN_RUN: Final = re.compile(r"\*{3}([^A-Za-z*]*\*{3})+")


def redact(text: str) -> str:
    """Return an error text with `***` for everything that may be personal data."""
    shown = _WORD.sub(_known_or_hidden, text[:_MAX_LENGTH])
    return _HIDDEN_RUN.sub(_HIDDEN, " ".join(shown.split()))


def _known_or_hidden(word: re.Match[str]) -> str:
    """Return a word if every part of it, such as `Id` in `EntityId`, is on the list."""
    pieces = _JOINT.split(word[0])
    parts = [part for piece in pieces for part in _PART.findall(piece)]
    is_complete = "".join(parts) == "".join(pieces)
    return word[0] if is_complete and _KNOWN.issuperset(map(str.lower, parts)) else _HIDDEN


_WORDS: Final = """
    account accounts action add address after application bank bankaccount base birth body building
    callback case cases category checklist city client code companies company complete completed
    connection consent country created credentials credit credits customer data date datetime
    description detail details direction directors display document documents email employer
    entities entity event exclude external field fields file first format fuzziness grant header
    headers house id identity ids inactive income index information insights instance item items
    jurisdiction json keyword last line list locality message method monitored name number object
    officer owner ownership page pagination parameter params path per permission permissions person
    persons picklist picklists post postal property provider query ref reference refresh registers
    registry report reports request requests resource resources result results schema scope search
    secret secrets server service services source stage statement status string sub term text token
    transactions type types updated url user users validation value values verification webhook
    webhooks window

    a about access again all allowed already also an and answers any api are array as at available
    bad be bearer been before but by can cannot characters check conflict contain contains could
    create currently delete deleted denied did do docs does duplicate each either empty enabled
    error errors exceed exceeded exist existing exists expected expired failed false find for
    forbidden found from future gateway give given gone has have here hold how in incorrect instead
    insufficient integer internal invalid is it its key later least length limit long longer
    loopback many match matching maximum minimum minute missing more most multiple must names needs
    neither no none nor not nothing null of on once one only or other out past please positive
    processed produce rate refer required requires rotate s see separate short should sikoia
    something such supported system t than that the them there they this to too true try unable
    unauthorised unauthorized under unexpected unique unknown unprocessable unsupported up update
    use used valid ve was went were when where which whole with within without wrong you your
"""
# It contains no names of people, except for the few that are also English words.
_KNOWN: Final = frozenset(_WORDS.split())
