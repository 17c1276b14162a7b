"""Recognize the format of an uploaded file by its content."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import BinaryIO, Literal

from epochal_service.datasets.archive import Archive
from epochal_service.datasets.dataset import DatasetError

__all__ = ["Format", "format_of"]

Format = Literal["csv", "images", "arrays", "text"]

_ZIP = (b"PK\3\4", b"PK\5\6")
# Formats that are not read, with an alternative.
_OTHER = {
    b"PAR1": "is a Parquet file: upload it with the Python client (pip install "
    "'epochal[parquet]'), or save it as CSV",
    b"\x1f\x8b": "is compressed with gzip: decompress it first",
    b"\x93NUMPY": "is one NumPy array: save inputs and targets with numpy.savez",
    b"\x89PNG": "is one picture: put pictures into a zip archive with one folder per class",
    b"\xff\xd8\xff": "is one picture: put pictures into a zip archive with one folder per class",
    b"\xd0\xcf\x11\xe0": "is an Excel workbook: save it as CSV",
    b"SQLite format 3": "is an SQLite database: save a table of it as CSV",
}


def format_of(file: BinaryIO) -> Format:
    """Return the format of a file, and rewind it.

    A zip archive of .npy files alone holds arrays, any other one pictures; a file that begins like
    JSON is a text, and one of no known type a CSV. Raises `DatasetError` for known types that are
    not read.
    """
    start = file.read(16)
    file.seek(0)
    for magic, what in _OTHER.items():
        if start.startswith(magic):
            raise DatasetError(("data", f"The file {what}."))
    if not start.startswith(_ZIP):
        return "text" if start.removeprefix(BOM_UTF8).lstrip().startswith(b"{") else "csv"
    names = Archive(file, max_members=50_000, max_member_bytes=1, max_bytes=1).names
    file.seek(0)
    if all(name.endswith(".npy") for name in names):
        return "arrays"
    if "[Content_Types].xml" in names:
        raise DatasetError(("data", "The file is an office document: save the table as CSV."))
    return "images"
