"""What an SMS says: reviewed neutral texts without name, case number, matter, stage or link."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_GSM_SEVEN = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWO_SEPTETS = set("^{}\\[~]|€\f")
#: How a template is called that has room for the person's own phrase.
WITH_PHRASE = "_phrase"
LONGEST_PHRASE = 6
_PHRASE = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Written:
    """One message as it goes out, and of which reviewed template it is made, as a provider and the proof name it."""

    text: str = field(repr=False)
    template: str
    version: int
    language: str
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Template:
    """One reviewed sentence by language, with places such as {code}; its version counts up with every change.

    `approved` are the provider's codes by (name with or without WITH_PHRASE, language).
    """

    name: str
    version: int
    sentences: Mapping[str, str]
    approved: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wording:
    """All that messages say: by language the signature and the sentence around a phrase ({phrase}), and the templates
    code ({code}, {minutes}), news, device and number (both {help_phone})."""

    signatures: Mapping[str, str]
    phrases: Mapping[str, str]
    templates: Mapping[str, Template]

    def written(self, name: str, language: str, values: Mapping[str, str], phrase: str = "") -> Written:
        """The message of this template; with the person's phrase, if there is one."""
        template = self.templates[name]
        sentence = template.sentences[language] + (self.phrases[language] if phrase else "")
        filled = {**values, **({"phrase": phrase} if phrase else {})}
        text = self.signatures[language] + sentence.format(**filled)
        return Written(text, name + (WITH_PHRASE if phrase else ""), template.version, language, filled)

    def code(self, code: str, minutes: int, language: str, phrase: str = "") -> Written:
        """The message with a one-time code, shown in two groups of four."""
        return self.written("code", language, {"code": f"{code[:4]} {code[4:]}", "minutes": str(minutes)}, phrase)

    @property
    def approved(self) -> Mapping[tuple[str, str], str]:
        """The provider's codes of all templates, by (template, language)."""
        return {of: code for template in self.templates.values() for of, code in template.approved.items()}


def is_phrase(text: str) -> bool:
    """Whether a person's phrase says nothing that can hurt: a few letters or Chinese characters, no number, no link."""
    return 0 < len(text) <= LONGEST_PHRASE and _PHRASE.fullmatch(text) is not None


def segments(text: str) -> int:
    """How many SMS the text takes: 160 septets if GSM 03.38 has all its characters, otherwise 70 UTF-16 units."""
    if set(text) <= _GSM_SEVEN | _GSM_TWO_SEPTETS:
        units, single, part = len(text) + sum(c in _GSM_TWO_SEPTETS for c in text), 160, 153
    else:
        units, single, part = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if units <= single else -(-units // part)
