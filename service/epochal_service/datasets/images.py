"""Convert a zip archive of pictures, one folder per class, to a data set.

    archive -> folders -> sizes and modes -> size and color of all -> pixels in 0..1

Every error names the member.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal

import numpy as np
from PIL import Image, ImageOps

from epochal_service.datasets.archive import Archive, member_error, reason_of, shown
from epochal_service.datasets.dataset import MAX_CLASSES, Dataset, DatasetError, Problems

__all__ = ["Color", "parse_images"]

Color = Literal["grayscale", "rgb"]

# JPEG files of some cameras hold several pictures (MPO); the first one counts.
FORMATS = ("PNG", "JPEG", "MPO")
MAX_MEMBERS = 50_000
MAX_MEMBER_BYTES = 32 * 2**20
# Pictures are compressed: an archive grows little unless it was built to grow.
MAX_BYTES = 256 * 2**20
# A picture of 4096 x 4096 pixels takes 64 MB while it is decoded.
MAX_PIXELS = 4096 * 4096
# About ten seconds of decoding.
MAX_TOTAL_PIXELS = 500_000_000
# Pixels of all pictures after resizing: 80 MB.
MAX_VALUES = 10_000_000
# Pictures of one size stay as they are up to this side; others are resized to `DEFAULT_SIDE`.
MAX_KEPT_SIDE = 32
DEFAULT_SIDE = 28
SMALLEST_SIDE = 8
MAX_NAME_LENGTH = 100

_GRAY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L")


@dataclass(frozen=True)
class _Picture:
    """A member: its name, its folder, its size in pixels, and whether it has no color."""

    name: str
    folder: str
    size: tuple[int, int]
    is_gray: bool


def parse_images(
    file: BinaryIO,
    *,
    image_size: Sequence[int] | None = None,
    color: Color | None = None,
    name: str = "upload",
    max_rows: int = 100_000,
    max_columns: int = 4096,
) -> Dataset:
    """Read PNG and JPEG pictures in one folder per class; the folder is the name of the class.

    Pictures are resized (stretched) to `image_size` `(height, width)`. By default, pictures of one
    size of at most 32 x 32 keep it; others become 28 x 28, or the largest square such that all
    pictures fit into 10 million numbers. `color` is by default `rgb` if a picture has color.
    Transparent pixels become white, 16 bits become 8, CMYK becomes RGB, and the orientation in EXIF
    is applied. The inputs are in 0..1, by row, column and channel: `pixel_0_1`, or `pixel_0_1_2` in
    color. Samples are in the order of classes and names. A folder that contains everything is
    ignored.

    Raises `DatasetError` with at most 20 errors; the field of a member is `members[cat/1.png]`.
    """
    archive = Archive(
        file, max_members=MAX_MEMBERS, max_member_bytes=MAX_MEMBER_BYTES, max_bytes=MAX_BYTES
    )
    folders = _folders(archive.names)
    if len(folders) > max_rows:
        raise DatasetError(("data", f"There are more than {max_rows} pictures: remove some."))
    class_names = _in_order(folders.values())
    if len(class_names) < 2:
        raise DatasetError(
            (
                "data",
                f"The archive has one class, {shown(class_names[0])!r}; there must be at least "
                "two, each in its own folder.",
            )
        )
    if len(class_names) > MAX_CLASSES:
        raise DatasetError(
            ("data", f"The archive has {len(class_names)} classes; the limit is {MAX_CLASSES}.")
        )
    label_of = {folder: label for label, folder in enumerate(class_names)}
    pictures = _inspect(archive, folders)
    pictures.sort(key=lambda picture: (label_of[picture.folder], picture.name))
    color = color or ("grayscale" if all(picture.is_gray for picture in pictures) else "rgb")
    channels = 3 if color == "rgb" else 1
    height, width = image_size or _default_size(pictures, channels)
    values = height * width * channels
    if values > max_columns:
        raise DatasetError(
            (
                "image_size",
                f"{height} x {width} pixels of {channels} channels are {values} numbers; the limit "
                f"is {max_columns}.",
            )
        )
    if values * len(pictures) > MAX_VALUES:
        raise DatasetError(
            (
                "image_size",
                f"{len(pictures)} pictures of {values} numbers are more than {MAX_VALUES} numbers: "
                "choose a smaller size, or remove some.",
            )
        )
    inputs = np.empty((len(pictures), values))
    archive = Archive(
        file, max_members=MAX_MEMBERS, max_member_bytes=MAX_MEMBER_BYTES, max_bytes=MAX_BYTES
    )
    problems = Problems()
    for row, picture in enumerate(pictures):
        try:
            inputs[row] = _pixels(archive.read(picture.name), color, height, width)
        except _Unreadable as error:
            problems.add(*member_error(picture.name, str(error)))
    problems.raise_any()
    return Dataset(
        name=name,
        description=_description(pictures, len(class_names), height, width, color),
        task="binary" if len(class_names) == 2 else "multiclass",
        inputs=inputs,
        targets=np.array([label_of[picture.folder] for picture in pictures], dtype=np.int64),
        feature_names=pixel_names(height, width, channels),
        class_names=tuple(class_names),
        target_names=("class",),
        source="uploaded",
    )


def pixel_names(height: int, width: int, channels: int) -> tuple[str, ...]:
    """Return the names of the pixels of an image, by row, column and channel."""
    return tuple(
        f"pixel_{row}_{column}" if channels == 1 else f"pixel_{row}_{column}_{channel}"
        for row in range(height)
        for column in range(width)
        for channel in range(channels)
    )


def _folders(names: Sequence[str]) -> dict[str, str]:
    """Return the folder of each member. Raises `DatasetError` unless each is in one folder."""
    paths = {name: name.split("/") for name in names}
    depth = 0  # of folders that contain everything
    while (
        all(len(path) >= depth + 3 for path in paths.values())
        and len({path[depth] for path in paths.values()}) == 1
    ):
        depth += 1
    problems = Problems()
    for name, path in paths.items():
        folders = path[depth:-1]
        if len(folders) == 0:
            why = "it is in no folder; each picture must be in the folder of its class"
        elif len(folders) > 1:
            why = "its folder is in another one; there must be one folder per class"
        elif not folders[0].strip() or len(folders[0]) > MAX_NAME_LENGTH:
            why = f"the name of its folder must have 1 to {MAX_NAME_LENGTH} characters"
        else:
            continue
        problems.add(*member_error(name, why))
    problems.raise_any()
    return {name: path[depth] for name, path in paths.items()}


def _in_order(folders: Iterable[str]) -> list[str]:
    """Return the distinct names, numbers by value and texts by code point."""
    distinct = sorted(set(folders))
    if all(name.isascii() and name.isdecimal() for name in distinct):
        distinct.sort(key=int)
    return distinct


def _inspect(archive: Archive, folders: dict[str, str]) -> list[_Picture]:
    """Read the headers of all pictures, without decoding them."""
    problems = Problems()
    pictures = []
    total = 0
    for name, folder in folders.items():
        try:
            with _opened(archive.read(name)) as image:
                picture = _Picture(name, folder, image.size, image.mode in _GRAY_MODES)
        except _Unreadable as error:
            problems.add(*member_error(name, str(error)))
            continue
        total += math.prod(picture.size)
        if total > MAX_TOTAL_PIXELS:
            problems.add(
                *member_error(
                    name,
                    f"with it, the pictures have more than {MAX_TOTAL_PIXELS} pixels; make them "
                    "smaller or remove some",
                )
            )
            break
        pictures.append(picture)
    problems.raise_any()
    return pictures


class _Unreadable(Exception):
    """Why a member is not a picture that can be used."""


def _opened(content: bytes) -> Image.Image:
    too_many = f"it has more than {MAX_PIXELS} pixels"
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _Unreadable(too_many) from None
    # Pillow raises errors of many types for damaged headers.
    except Exception:
        raise _Unreadable("it is not a PNG or JPEG picture") from None
    if math.prod(image.size) > MAX_PIXELS:
        raise _Unreadable(too_many)
    if image.format == "PNG" and getattr(image, "is_animated", False):
        raise _Unreadable("it is animated; save one picture of it")
    return image


def _pixels(content: bytes, color: Color, height: int, width: int) -> np.ndarray:
    """Return the values of a picture `(height * width * channels,)` in 0..1."""
    with _opened(content) as image:
        try:
            # JPEG is decoded at a smaller scale if that is large enough.
            image.draft(None, (2 * max(height, width),) * 2)
            flat = _without_transparency(ImageOps.exif_transpose(image))
            small = flat.convert("RGB" if color == "rgb" else "L").resize(
                (width, height), Image.Resampling.BILINEAR
            )
        except Exception as error:
            raise _Unreadable(f"it is damaged ({reason_of(error)})") from None
    return np.asarray(small, dtype=np.float64).ravel() / 255


def _without_transparency(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8))
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)


def _default_size(pictures: Sequence[_Picture], channels: int) -> tuple[int, int]:
    sizes = {picture.size for picture in pictures}
    width, height = pictures[0].size
    if len(sizes) == 1 and max(width, height) <= MAX_KEPT_SIDE:
        return height, width
    side = min(DEFAULT_SIDE, math.isqrt(MAX_VALUES // (len(pictures) * channels)))
    return (max(side, SMALLEST_SIDE),) * 2


def _description(
    pictures: Sequence[_Picture], classes: int, height: int, width: int, color: Color
) -> str:
    same_size = all(picture.size == (width, height) for picture in pictures)
    size = f"{height} x {width} pixels" if same_size else f"resized to {height} x {width} pixels"
    return (
        f"{len(pictures)} pictures of {classes} classes, {size}, "
        f"in {'color' if color == 'rgb' else 'grayscale'}."
    )
