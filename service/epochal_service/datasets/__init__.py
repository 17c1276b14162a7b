"""Data sets: built-in, uploaded and inline ones all become a `Dataset`."""

from epochal_service.datasets.builtin import CATALOG, Builtin, load
from epochal_service.datasets.dataset import MAX_CLASSES, Dataset, DatasetError, Task
from epochal_service.datasets.inline import from_rows
from epochal_service.datasets.upload import encode_rows, parse_csv, read_csv

__all__ = [
    "CATALOG",
    "MAX_CLASSES",
    "Builtin",
    "Dataset",
    "DatasetError",
    "Task",
    "encode_rows",
    "from_rows",
    "load",
    "parse_csv",
    "read_csv",
]
