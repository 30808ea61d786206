"""What a workbook must be before a parser may see it: a plain ZIP of honest size, nothing nested, nothing hidden."""

import errno
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from adapters.sources.fileformat import BadFileError

MOST_ENTRIES = 10_000
MOST_UNPACKED = 300 << 20
#: Small entries compress well by nature; only large ones are judged by their ratio.
MOST_RATIO, RATIO_FROM = 200, 10 << 20

_CHUNK = 1 << 20
_LARGEST_DIRECTORY = MOST_ENTRIES * 512
_END, _END_SIZE, _LONGEST_COMMENT = b"PK\5\6", 22, 0xFFFF
_ZIP64_LOCATOR, _ZIP64_LOCATOR_SIZE = b"PK\6\7", 20
_NESTED = (b"PK\3\4", b"PK\5\6", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b\x08")


@contextmanager
def guarded_zip(file: BinaryIO) -> Iterator[zipfile.ZipFile]:
    """The archive, once all of it was unpacked to nowhere within the limits; BadFileError otherwise."""
    with _proven(file) as archive:
        yield archive


def _proven(file: BinaryIO) -> zipfile.ZipFile:
    _check_directory(file)
    try:
        archive = zipfile.ZipFile(file)
        _check_entries(archive.infolist())
        for entry in archive.infolist():
            _unpack(archive, entry)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, zlib.error):
        raise BadFileError("is not a whole ZIP archive, or was cut off") from None
    except OSError as error:
        # An archive that lost bytes leads zipfile to before its beginning; any other error is the disk's.
        if error.errno != errno.EINVAL:
            raise
        raise BadFileError("is not a whole ZIP archive, or lost bytes on its way (FTP in text mode?)") from None
    return archive


def _check_directory(file: BinaryIO) -> None:
    """Looks at the size of the directory before it is read: a directory of millions of entries is a bomb itself."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT - _ZIP64_LOCATOR_SIZE))
    tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or end + _END_SIZE > len(tail):
        raise BadFileError("is not a whole ZIP archive, or was cut off")
    if tail[max(0, end - _ZIP64_LOCATOR_SIZE) : end].startswith(_ZIP64_LOCATOR):
        raise BadFileError("is a ZIP64 archive, which no workbook of a sound size is")
    if int.from_bytes(tail[end + 12 : end + 16], "little") > _LARGEST_DIRECTORY:
        raise BadFileError(f"holds more than {MOST_ENTRIES} files")
    file.seek(0)


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise BadFileError(f"holds more than {MOST_ENTRIES} files")
    if len({entry.filename for entry in entries}) != len(entries):
        raise BadFileError("holds two files of the same name")
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise BadFileError(f"unpacks to more than {MOST_UNPACKED >> 20} MiB")
    for entry in entries:
        if entry.flag_bits & 0x1:
            raise BadFileError("is encrypted")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise BadFileError("holds a link")
        if entry.file_size > RATIO_FROM and entry.file_size > entry.compress_size * MOST_RATIO:
            raise BadFileError(f"holds a file that is packed more than {MOST_RATIO} to 1")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Nothing, if the entry is as long as its directory says, with the right checksum, and no archive itself."""
    with archive.open(entry) as content:
        chunk = content.read(_CHUNK)
        if chunk.startswith(_NESTED):
            raise BadFileError("holds another archive")
        while chunk:
            chunk = content.read(_CHUNK)
