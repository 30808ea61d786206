"""What is wrong with the texts of config/messages.toml: places, length, and what no message may hold."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from string import Formatter
from typing import Any

from caseq.errors import Fault
from caseq.rules.agreed import longest_texts
from caseq.rules.messages import LONGEST_PHRASE, Wording, segments
from caseq.rules.resemblance import has_link
from caseq.settings.messageschemas import PLACES
from caseq.settings.schemas import LANGUAGES
from caseq.settings.tomlfile import TomlFile

#: A phrase that takes as much room as one can, by language.
_LONGEST_PHRASES = {"zh": "字" * LONGEST_PHRASE, "en": "w" * LONGEST_PHRASE}
#: Providers take these as the signature, or not at all.
_BRACKETS = "【】『』〖〗"
_DIGITS = re.compile(r"\d{2,}")


def text_faults(file: TomlFile, loaded: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with every text by itself."""
    faults = []
    for language in LANGUAGES:
        faults += _words_faults(file, ["signature", language], loaded["signature"][language], is_signature=True)
        faults += _sentence_faults(file, ["phrase", language], loaded["phrase"][language], ("phrase",))
        for name, places in PLACES.items():
            sentence = loaded["template"][name][language]
            faults += _sentence_faults(file, ["template", name, language], sentence, places)
    return faults


def length_faults(file: TomlFile, wording: Wording) -> list[Fault]:
    """A fault for every text that can take more than one SMS; the texts have to be right otherwise."""
    faults = []
    for language in LANGUAGES:
        plain = longest_texts(wording, language)
        agreed = longest_texts(wording, language, _LONGEST_PHRASES[language])
        for name in wording.templates:
            with_what = "the signature" if segments(plain[name]) > 1 else "the signature and the longest phrase"
            if (parts := max(segments(plain[name]), segments(agreed[name]))) > 1:
                reason = f"takes {parts} SMS with {with_what}; shorten it to one"
                faults.append(file.fault(["template", name, language], reason))
    return faults


def _sentence_faults(file: TomlFile, keys: list[str], sentence: str, places: Collection[str]) -> list[Fault]:
    try:
        parts = list(Formatter().parse(sentence))
    except ValueError as error:
        return [file.fault(keys, f"has a bracket that is not closed or not opened: {error}")]
    faults = _words_faults(file, keys, "\0".join(words for words, *_ in parts))
    found = [place for _, place, *_ in parts if place is not None]
    for place in places:
        if found.count(place) != 1:
            faults.append(file.fault(keys, f"must have {{{place}}} once"))
    for _, named, form, conversion in parts:
        if named is not None and (named not in places or form or conversion):
            faults.append(file.fault(keys, f"has an unknown place {{{named}}}: {_may_use(places)}"))
    return faults


def _may_use(places: Collection[str]) -> str:
    return "it may use " + ", ".join(f"{{{place}}}" for place in places) if places else "it has no places"


def _words_faults(file: TomlFile, keys: list[str], words: str, is_signature: bool = False) -> list[Fault]:
    """What no text may hold, whatever its places."""
    found = []
    if not words.strip():
        found.append("is empty")
    if has_link(words):
        found.append("has a link in it, or asks to open one: no message of ours does")
    if _DIGITS.search(words):
        found.append("has a number in it: only a place such as {help_phone} makes one")
    if not is_signature and any(bracket in words for bracket in _BRACKETS):
        found.append(f"has one of {_BRACKETS} in it: providers take those for the signature only")
    if is_signature and set("{}") & set(words):
        found.append("has a place in it: a signature is the same in every message")
    if any(unicodedata.category(character) in ("Cc", "Cf") for character in words.replace("\0", "")):
        found.append("holds an invisible character: delete it and write it anew")
    return [file.fault(keys, reason) for reason in found]
