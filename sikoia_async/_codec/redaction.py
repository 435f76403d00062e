"""Error texts, made fit for messages: the words that Sikoia's texts are made of stay, others go.

A detail names the field that is wrong, and may repeat what stood in it: a name, an account, an id.
A message ends up in logs and tickets, so `***` stands in it for each word that is not on the list
below. The whole text is in `APIError.detail`.
"""

import re
from typing import Final

__all__ = ["redact"]

_HIDDEN: Final = "***"
_LONGEST: Final = 300
# All but punctuation and space: what is no ASCII belongs to a word and so hides it, and an
# apostrophe, which may be a typographer's, joins two.
_WORD: Final = re.compile(r"[^\s !-&(-/:-@[-^`{-~]+")
_JOINT: Final = re.compile("['\u2019_]")
_PART: Final = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ROW: Final = re.compile(r"\*{3}([^A-Za-z*]*\*{3})+")


def redact(text: str) -> str:
    """Return a text of Sikoia's with `***` in place of all that may be somebody's data."""
    shown = _WORD.sub(_known, text[:_LONGEST])
    return _ROW.sub(_HIDDEN, " ".join(shown.split()))


def _known(found: re.Match[str]) -> str:
    """Return a word if each part of it, such as `Id` of `EntityId`, is on the list."""
    pieces = _JOINT.split(found[0])
    parts = [part for piece in pieces for part in _PART.findall(piece)]
    is_whole = "".join(parts) == "".join(pieces)
    return found[0] if is_whole and _LIST.issuperset(map(str.lower, parts)) else _HIDDEN


_TEXT: Final = """
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
# Names of people are not in it, but for the few that are words as well.
_LIST: Final = frozenset(_TEXT.split())
