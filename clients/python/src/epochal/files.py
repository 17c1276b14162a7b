"""Uploads, as one file: a path, text, bytes, a data frame or arrays."""

from __future__ import annotations

import io
import os
import tempfile
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from .arrays import ArrayLike, DataFrame
from .deferred import np
from .errors import InvalidArgument, MissingDependency

Source = (
    str
    | os.PathLike[str]
    | bytes
    | DataFrame
    | tuple[ArrayLike, ArrayLike]
    | Mapping[str, ArrayLike]
)
"""A path or CSV text, the bytes of a file, a data frame, `(inputs, targets)`, or named arrays."""

_PARQUET = b"PAR1"
_MAGIC = {".zip": b"PK", ".npz": b"PK", ".parquet": _PARQUET}
"""How files with these names begin."""
_MEMORY_BYTES = 2**20  # a larger file is on the disk


@contextmanager
def opened(source: Source) -> Iterator[tuple[str, BinaryIO]]:
    """Yield a name and the file that the service reads: CSV, zip or .npz; Parquet becomes CSV.

    A str with a line break is CSV text; any other str is a path. Raises `InvalidArgument` for other
    types and for a file that is not what its name says, `MissingDependency` for Parquet without
    pyarrow, and `OSError`.
    """
    name = "upload"
    if isinstance(source, str) and "\n" not in source:
        source = Path(source)
    suffix = ""
    if isinstance(source, os.PathLike):
        name, suffix = Path(source).stem or name, Path(source).suffix.lower()
        file: BinaryIO = Path(source).open("rb")  # noqa: SIM115
    else:
        file = io.BytesIO(_content(source))
    with file:
        start = file.read(len(_PARQUET))
        is_parquet = start == _PARQUET
        if not start.startswith(_MAGIC.get(suffix, b"")):
            raise InvalidArgument.of(
                "source",
                f"{source!s} is not a {suffix} file: it is damaged, or its name is wrong",
            )
        file.seek(0)
        if not is_parquet:
            yield name, file
            return
        with tempfile.SpooledTemporaryFile(_MEMORY_BYTES) as spooled:
            table = cast(BinaryIO, spooled)
            _write_parquet_as_csv(file, table)
            table.seek(0)
            yield name, table


def csv_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a CSV file: UTF-8, UTF-16 with a byte order mark, or else Windows-1252.

    The service decodes uploads in the same way. Raises `OSError`.
    """
    data = Path(path).read_bytes()
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def is_text(source: Source) -> bool:
    """Return whether the source is a path to a text, by its name."""
    if isinstance(source, str) and "\n" in source:
        return False
    return isinstance(source, str | os.PathLike) and Path(source).suffix.lower() == ".txt"


def _content(source: Any) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str):
        return source.encode()
    if isinstance(source, Mapping):
        return _npz(source)
    if isinstance(source, tuple) and len(source) == 2:
        return _npz({"inputs": source[0], "targets": source[1]})
    if hasattr(source, "to_csv"):  # pandas
        return str(source.to_csv(index=False)).encode()
    if hasattr(source, "write_csv"):  # polars
        return str(source.write_csv()).encode()
    raise InvalidArgument.of(
        "source",
        "must be a path, CSV text, bytes, a data frame, (inputs, targets) or a dict of arrays; got "
        f"{type(source).__name__}",
    )


def _npz(arrays: Mapping[str, ArrayLike]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: np.asarray(array) for name, array in arrays.items()})  # type: ignore[arg-type]
    return buffer.getvalue()


def _write_parquet_as_csv(source: BinaryIO, target: BinaryIO) -> None:
    """Write one group of rows at a time, without the index that pandas adds."""
    try:
        import pyarrow as pa
        from pyarrow import csv, parquet
    except ImportError as missing:
        raise MissingDependency(
            "A Parquet file needs pyarrow, which is not installed. "
            "Install it: pip install 'epochal[parquet]'"
        ) from missing
    try:
        file = parquet.ParquetFile(source)
        names = [name for name in file.schema_arrow.names if not name.startswith("__index_level_")]
        fields = [file.schema_arrow.field(name) for name in names]
        plain = pa.schema([(field.name, _plain_type(field.type)) for field in fields])
        with csv.CSVWriter(target, plain) as writer:
            for batch in file.iter_batches(columns=names):
                writer.write_table(pa.Table.from_batches([batch]).cast(plain))
    except pa.ArrowException as error:
        reason = str(error).partition("\n")[0]
        raise InvalidArgument.of("source", f"cannot be written as CSV: {reason}") from error


def _plain_type(kind: Any) -> Any:
    """Return the type of the values of a dictionary, and the type itself for others."""
    return getattr(kind, "value_type", kind) if str(kind).startswith("dictionary") else kind
