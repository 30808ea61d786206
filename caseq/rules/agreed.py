"""The phrase that a person agrees with the bureau, by which it is told that a message is ours: what it may be.

Every message with it has to stay one SMS, in the language that the person chose.
"""

import unicodedata
from collections.abc import Mapping

from caseq.rules.messages import Wording, is_phrase, segments

#: Values as long as they can be, to measure texts with.
LONGEST_VALUES: Mapping[str, str] = {"code": "0000 0000", "minutes": "60", "help_phone": "0951-80110000"}


def cleaned(typed: str) -> str:
    """The phrase as it is kept: compatible characters made one, spaces outside removed and inside made single."""
    return " ".join(unicodedata.normalize("NFKC", typed).split())


def longest_texts(wording: Wording, language: str, phrase: str = "") -> Mapping[str, str]:
    """By template the longest text it makes in this language."""
    return {name: wording.written(name, language, LONGEST_VALUES, phrase).text for name in wording.templates}


def may_be_agreed(wording: Wording, language: str, phrase: str, name: str = "") -> bool:
    """Whether this phrase, cleaned, may stand in the messages to the person of this name; none may always."""
    if not phrase:
        return True
    if not is_phrase(phrase) or _tells(phrase, name):
        return False
    return all(segments(text) == 1 for text in longest_texts(wording, language, phrase).values())


def _tells(phrase: str, name: str) -> bool:
    """Whether the phrase has the person's name in it."""
    bare_name = "".join(cleaned(name).casefold().split())
    return bool(bare_name) and bare_name in "".join(phrase.casefold().split())
