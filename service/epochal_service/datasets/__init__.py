"""Data sets: built-in, uploaded and inline ones all become a `Dataset`."""

from epochal_service.datasets.arrays import parse_arrays
from epochal_service.datasets.builtin import CATALOG, Builtin, load
from epochal_service.datasets.dataset import MAX_CLASSES, Dataset, DatasetError, Task
from epochal_service.datasets.files import Format, format_of
from epochal_service.datasets.images import parse_images
from epochal_service.datasets.inline import from_rows
from epochal_service.datasets.text_rows import parse_text
from epochal_service.datasets.upload import encode_rows, parse_csv, read_csv

__all__ = [
    "CATALOG",
    "MAX_CLASSES",
    "Builtin",
    "Dataset",
    "DatasetError",
    "Format",
    "Task",
    "encode_rows",
    "format_of",
    "from_rows",
    "load",
    "parse_arrays",
    "parse_csv",
    "parse_images",
    "parse_text",
    "read_csv",
]
