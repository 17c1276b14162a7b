"""From a step to an epoch, from an epoch to a run, and the records of a run."""

from .blocks import join
from .epoch import compile_epoch, record_shapes, steps_per_epoch
from .record_buffer import Record
from .snapshots import LayerSlices
from .step import Gradient, update, with_column
from .streams import Streams, new_parameters
from .training import check_data, corrupted_once

__all__ = [
    "Gradient",
    "LayerSlices",
    "Record",
    "Streams",
    "check_data",
    "compile_epoch",
    "corrupted_once",
    "join",
    "new_parameters",
    "record_shapes",
    "steps_per_epoch",
    "update",
    "with_column",
]
