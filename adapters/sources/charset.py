"""The encoding of a text file, found and proven over the whole file: a register is never read as other characters."""

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO

from adapters.sources.fileformat import BadFileError

#: The encodings a mapping may name, and the codec each is read with: GB18030 holds GBK and GB2312.
ENCODINGS = {
    "utf-8": "utf-8-sig",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "big5": "big5hkscs",
}

_CHUNK = 1 << 20
_UTF32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
#: Half a character, the mark of a failed conversion, and controls that only arise when UTF-8 was read as Latin-1.
_DAMAGE = re.compile("[\x00\x80-\x84\x86-\x9f\ufffd\ufffe\uffff]")
#: What U+FFFD in UTF-8 becomes when it is read as GBK: the text was lost before it came here.
_LOST = "锟斤拷"
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
#: UTF-8 needs three bytes for Chinese. A file without such characters may as well be a few words in GB18030.
_CHINESE_OR_LATER = re.compile("[\u0800-\U0010ffff]")
#: Of Chinese text nearly all characters are in GB2312; of another encoding read as GB18030, about half.
_LEAST_COMMON = 0.8


class _UndecodableError(BadFileError):
    """The bytes are none of this encoding; another one may fit."""


@dataclass(slots=True)
class _Seen:
    """What was seen of a file so far."""

    lines: int = 0
    others: int = 0
    common: int = 0
    has_chinese: bool = False


def text_encoding(file: BinaryIO, configured: str) -> str:
    """The codec that reads this whole file without a doubt; a configured one is obeyed, and proven all the same."""
    if configured:
        codec = ENCODINGS[configured]
        _prove(file, codec)
        if codec != "utf-8-sig" and _is_chinese_utf8(file):
            raise BadFileError(f"is UTF-8 and not {_called(codec)}, as the mapping says")
        return codec
    start = _start(file)
    if start.startswith(_UTF32_MARKS):
        raise BadFileError("is UTF-32, which is not read")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _prove(file, "utf-16")
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        _prove(file, "utf-8-sig")
        return "utf-8-sig"
    return _without_mark(file)


def _without_mark(file: BinaryIO) -> str:
    try:
        seen = _prove(file, "utf-8-sig")
    except _UndecodableError:
        seen = _prove(file, "gb18030")
        if seen.common < seen.others * _LEAST_COMMON:
            raise BadFileError("is neither UTF-8 nor plausible GB18030; name its encoding in the mapping") from None
        return "gb18030"
    if seen.others and not seen.has_chinese and _is_gb18030(file):
        raise BadFileError("reads as UTF-8 and as GB18030, with different characters; name its encoding in the mapping")
    return "utf-8-sig"


def _is_chinese_utf8(file: BinaryIO) -> bool:
    """Whether the file is UTF-8 with Chinese in it, which no text of another encoding happens to be."""
    try:
        return _prove(file, "utf-8-sig").has_chinese
    except BadFileError:
        return False


def _is_gb18030(file: BinaryIO) -> bool:
    try:
        _prove(file, "gb18030")
    except BadFileError:
        return False
    return True


def _prove(file: BinaryIO, codec: str) -> _Seen:
    """What the whole file holds when it is read so; BadFileError if it cannot be meant so."""
    decoder, seen = codecs.getincrementaldecoder(codec)("strict"), _Seen()
    file.seek(0)
    while True:
        chunk = file.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeError:
            raise _UndecodableError(f"is not {_called(codec)} throughout", seen.lines + 1) from None
        _look(text, codec, seen)
        if not chunk:
            return seen


def _look(text: str, codec: str, seen: _Seen) -> None:
    if found := _DAMAGE.search(text):
        raise BadFileError(f"holds U+{ord(found[0]):04X}, the trace of a wrong conversion", _line(text, found, seen))
    if not text.isascii():
        # Private characters in UTF-8 were written on purpose; in other encodings they are how a wrong guess shows.
        if codec != "utf-8-sig" and (found := _PRIVATE.search(text)):
            raise BadFileError(f"is not {_called(codec)}: it holds private characters", _line(text, found, seen))
        if _LOST in text:
            raise BadFileError("holds characters that were lost in an earlier conversion", seen.lines + 1)
        ascii_count = len(text.encode("ascii", "ignore"))
        seen.others += len(text) - ascii_count
        seen.common += (len(text.encode("gb2312", "ignore")) - ascii_count) // 2
        seen.has_chinese = seen.has_chinese or _CHINESE_OR_LATER.search(text) is not None
    seen.lines += text.count("\n")


def _line(text: str, found: re.Match[str], seen: _Seen) -> int:
    return seen.lines + text.count("\n", 0, found.start()) + 1


def _start(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(4)


def _called(codec: str) -> str:
    return codec.removesuffix("-sig").upper()
