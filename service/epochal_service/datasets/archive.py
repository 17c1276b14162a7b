"""Read an untrusted zip archive: its members, and the bytes of each within limits.

    file -> directory -> members -> bytes of a member

A header may state any size, so bytes are counted while they are decompressed.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import BinaryIO

from epochal_service.datasets.dataset import DatasetError, Problems

__all__ = ["Archive", "shown"]

# The errors of `zipfile` for a damaged archive, and for features that it does not have.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1

# Files that systems add to folders and archives.
_IGNORED_FOLDERS = {"__MACOSX"}
_IGNORED_FILES = {"thumbs.db", "desktop.ini"}

# A directory entry has 46 bytes and a name; extra fields and comments are short.
_ENTRY_BYTES = 512
_END = b"PK\5\6"
_END_BYTES = 22
_ZIP64_LOCATOR = b"PK\6\7"
_ZIP64_LOCATOR_BYTES = 20


class Archive:
    """The files of a zip archive, without folders and without hidden files of systems.

    `names` holds their names, in the order of the archive; at least one. Raises `DatasetError` for
    a damaged archive, for more than `max_members` members, and for names that leave the archive.
    The members have at most `max_member_bytes` each and `max_bytes` together, decompressed.
    """

    def __init__(
        self, file: BinaryIO, *, max_members: int, max_member_bytes: int, max_bytes: int
    ) -> None:
        self._max_member_bytes = max_member_bytes
        self._max_bytes = self._left = max_bytes
        _check_directory(file, max_members)
        try:
            self._zip = zipfile.ZipFile(file)
        except _DAMAGED as error:
            raise _damaged(error) from None
        entries = [entry for entry in self._zip.infolist() if not _is_ignored(entry)]
        if len(entries) > max_members:
            raise _too_many(max_members)
        problems = Problems()
        self._members: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            why = _why_not(entry)
            if entry.filename in self._members:
                why = "the archive has two members of this name; remove one"
            if why:
                problems.add(*member_error(entry.orig_filename, why))
            self._members[entry.filename] = entry
        problems.raise_any()
        if not entries:
            raise DatasetError(("data", "The archive has no files."))

    @property
    def names(self) -> list[str]:
        """The names of the members."""
        return list(self._members)

    def read(self, name: str) -> bytes:
        """Return the bytes of a member.

        Raises `DatasetError`, naming the member, if it is damaged or exceeds a limit.
        """
        limit = min(self._max_member_bytes, self._left)
        try:
            with self._zip.open(self._members[name]) as stream:
                content = stream.read(limit + 1)
        except _DAMAGED as error:
            raise DatasetError(member_error(name, f"it is damaged ({reason_of(error)})")) from None
        if len(content) > limit:
            raise DatasetError(
                member_error(
                    name,
                    f"it has more than {self._max_member_bytes} bytes after decompression"
                    if limit == self._max_member_bytes
                    else f"with it, the members have more than {self._max_bytes} bytes after "
                    "decompression; split the archive",
                )
            )
        self._left -= len(content)
        return content


def member_error(name: str, what: str) -> tuple[str, str]:
    """Return the field and the description of an error in a member."""
    return f"members[{shown(name)}]", f"Member {shown(name)!r}: {what}."


def shown(text: str) -> str:
    """Return a name as errors show it: printable, and its end if it is long."""
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return printable if len(printable) <= 80 else f"…{printable[-79:]}"


def _check_directory(file: BinaryIO, max_members: int) -> None:
    """Raise `DatasetError` if reading the directory would need much memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 0xFFFF - _END_BYTES))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_BYTES:
        raise _damaged("its end is missing")
    directory_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
    locator = tail[max(0, at - _ZIP64_LOCATOR_BYTES) : at]
    if directory_bytes > max_members * _ENTRY_BYTES or locator.startswith(_ZIP64_LOCATOR):
        raise _too_many(max_members)


def _too_many(max_members: int) -> DatasetError:
    return DatasetError(
        ("data", f"The archive may have {max_members} members; it has more: remove some.")
    )


def _damaged(reason: Exception | str) -> DatasetError:
    text = reason if isinstance(reason, str) else reason_of(reason)
    return DatasetError(("data", f"The zip archive is damaged ({text}): create it again."))


def reason_of(error: Exception) -> str:
    """Return what a library says of a damaged member, without the addresses of its objects."""
    text = re.sub(r" at 0x[0-9a-f]+", "", str(error).partition("\n")[0])
    return shown(text.strip(". ")) or type(error).__name__


def _is_ignored(entry: zipfile.ZipInfo) -> bool:
    *folders, name = entry.filename.split("/")
    return (
        entry.is_dir()
        or name.startswith(".")
        or name.lower() in _IGNORED_FILES
        or not _IGNORED_FOLDERS.isdisjoint(folders)
    ) and ".." not in (*folders, name)


def _why_not(entry: zipfile.ZipInfo) -> str | None:
    name = entry.orig_filename
    if "\\" in name:
        return "its name has a backslash; folders are separated by /"
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        return "its name is an absolute path; it must be a relative one"
    if ".." in PurePosixPath(name).parts:
        return "its name leaves the archive with .."
    if not name.isprintable():
        return "its name has characters that cannot be printed"
    if entry.flag_bits & _ENCRYPTED:
        return "it is encrypted; create the archive without a password"
    if entry.compress_type not in _COMPRESSIONS:
        return "its compression is neither deflate nor none"
    return None
