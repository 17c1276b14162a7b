"""Archives of pictures: converted correctly, or refused by an error that names the member."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from epochal_service.datasets import DatasetError, archive, format_of, images, parse_images

RED, GRAY = (255, 0, 0), 51


def picture(mode: str = "L", size: tuple[int, int] = (4, 3), color: Any = GRAY) -> Image.Image:
    return Image.new(mode, size, color)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


PNG = encoded(picture())
JPEG = encoded(picture(), "JPEG", quality=100)


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as target:
        for name, content in members.items():
            target.writestr(zipfile.ZipInfo(name), content, compression)
    buffer.seek(0)
    return buffer


def errors_of(file: io.BytesIO, **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(DatasetError) as caught:
        parse_images(file, **options)
    return caught.value.errors


def test_folders_are_classes_and_pixels_are_in_0_to_1() -> None:
    table = parse_images(zipped({"b/1.png": PNG, "a/x.png": encoded(picture(color=255))}))
    assert (table.task, table.class_names, table.target_names) == ("binary", ("a", "b"), ("class",))
    assert table.targets.tolist() == [0, 1]
    assert table.inputs.shape == (2, 12)
    assert np.unique(table.inputs, axis=1).tolist() == [[1.0], [0.2]]
    assert table.feature_names[:5] == (
        "pixel_0_0",
        "pixel_0_1",
        "pixel_0_2",
        "pixel_0_3",
        "pixel_1_0",
    )
    assert table.description == "2 pictures of 2 classes, 3 x 4 pixels, in grayscale."


def test_rows_columns_and_channels_are_in_order() -> None:
    image = picture("RGB", (2, 2), "black")
    image.putpixel((1, 0), (255, 51, 0))  # column 1 of row 0
    table = parse_images(zipped({"a/1.png": encoded(image), "b/1.png": PNG}), image_size=(2, 2))
    values = dict(zip(table.feature_names, table.inputs[0], strict=True))
    assert {name: value for name, value in values.items() if value} == {
        "pixel_0_1_0": 1.0,
        "pixel_0_1_1": 0.2,
    }


def test_numbers_are_classes_in_the_order_of_numbers() -> None:
    table = parse_images(zipped({f"{n}/1.png": PNG for n in (10, 9, 1)}))
    assert table.class_names == ("1", "9", "10")


def test_what_systems_add_and_one_folder_around_all_are_ignored() -> None:
    members = {
        "pets/": b"",
        "pets/cat/1.png": PNG,
        "pets/dog/1.png": PNG,
        "pets/dog/.DS_Store": b"x",
        "__MACOSX/pets/cat/._1.png": b"x",
        "pets/Thumbs.db": b"x",
    }
    assert parse_images(zipped(members)).class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(4, 3), (4, 3)], (3, 4)),
        ([(32, 32), (32, 32)], (32, 32)),
        ([(33, 32), (33, 32)], (28, 28)),
        ([(4, 3), (3, 4)], (28, 28)),
    ],
)
def test_small_pictures_of_one_size_keep_it(
    sizes: list[tuple[int, int]], expected: tuple[int, int]
) -> None:
    members = {f"{n}/1.png": encoded(picture(size=size)) for n, size in enumerate(sizes)}
    table = parse_images(zipped(members))
    assert table.features == expected[0] * expected[1]
    assert np.allclose(table.inputs, 0.2)
    assert ("resized" in table.description) == (expected == (28, 28))


def test_many_pictures_become_smaller_so_that_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_VALUES", 500)
    members = {f"{n}/1.png": encoded(picture(size=(40, 40))) for n in range(2)}
    assert parse_images(zipped(members)).features == 15 * 15
    [(field, text)] = errors_of(zipped(members), image_size=(20, 20))
    assert field == "image_size"
    assert "more than 500 numbers" in text


@pytest.mark.parametrize(
    ("image", "options", "expected"),
    [
        (picture("1", color=1), {}, (1.0,)),
        (picture("I;16", color=51 * 257), {}, (0.2,)),
        (picture("RGB", color=RED), {}, (1.0, 0.0, 0.0)),
        (picture("RGBA", color=(255, 0, 0, 0)), {}, (1.0, 1.0, 1.0)),
        (picture("RGBA", color=(0, 0, 0, 128)), {}, (127 / 255,) * 3),
        (picture("LA", color=(0, 0)), {}, (1.0,)),
        (picture("P", color=0), {"transparency": 0}, (1.0, 1.0, 1.0)),
        (picture("P", color=0), {}, (0.0, 0.0, 0.0)),
    ],
    ids=["1 bit", "16 bits", "color", "transparent", "half", "gray", "palette", "opaque"],
)
def test_every_kind_of_png_becomes_the_right_pixels(
    image: Image.Image, options: dict[str, Any], expected: tuple[float, ...]
) -> None:
    file = zipped({"a/1.png": encoded(image, **options), "b/1.png": PNG})
    color = "rgb" if len(expected) == 3 else "grayscale"
    row = parse_images(file).inputs[0]
    assert row.size == 12 * len(expected), color
    assert np.allclose(row.reshape(-1, len(expected)), expected, atol=1 / 255)


def test_jpeg_in_cmyk_and_with_an_orientation(tmp_path: Any) -> None:
    cmyk = encoded(picture("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100)
    sideways = Image.new("L", (16, 8), 0)
    sideways.paste(255, (0, 0, 8, 8))  # white on the left
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees to the right
    turned = encoded(sideways, "JPEG", quality=100, exif=exif)
    table = parse_images(
        zipped({"a/1.jpg": cmyk, "b/1.jpg": turned}), image_size=(16, 8), color="rgb"
    )
    assert np.allclose(table.inputs[0].reshape(-1, 3), (1, 0, 0), atol=0.05)
    rotated = table.inputs[1].reshape(16, 8, 3)
    assert rotated[:7].min() > 0.9  # white is on top
    assert rotated[9:].max() < 0.1


ANIMATED = encoded(picture(), save_all=True, append_images=[picture(color=0)])
NOISE = encoded(Image.effect_noise((32, 32), 50), "JPEG")


def bomb(side: int) -> bytes:
    """A PNG of few bytes with a header that states many pixels."""
    content = PNG[:16] + struct.pack(">II", side, side) + PNG[24:29]
    return content + struct.pack(">I", zlib.crc32(content[12:])) + PNG[33:]


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a/1.png", b"no picture", "it is not a PNG or JPEG picture"),
        ("a/readme.txt", b"", "it is not a PNG or JPEG picture"),
        ("a/1.gif", encoded(picture(), "GIF"), "it is not a PNG or JPEG picture"),
        ("a/1.png", ANIMATED, "it is animated"),
        ("a/1.png", bomb(100_000), "it has more than 16777216 pixels"),
        ("a/1.png", bomb(4097), "it has more than 16777216 pixels"),
        ("a/1.jpg", NOISE[:-40], "it is damaged (image file is truncated"),
        ("a/1.png", PNG[:-26], "it is damaged ("),
        ("1.png", PNG, "it is in no folder"),
        ("a/b/1.png", PNG, "its folder is in another one"),
        ("../a/1.png", PNG, "its name leaves the archive with .."),
        ("a/../../1.png", PNG, "its name leaves the archive with .."),
        ("/a/1.png", PNG, "its name is an absolute path"),
        ("C:/1.png", PNG, "its name is an absolute path"),
        ("a\\1.png", PNG, "its name has a backslash"),
        ("a/\n.png", PNG, "characters that cannot be printed"),
        (f"{'a' * 101}/1.png", PNG, "must have 1 to 100 characters"),
    ],
)
def test_a_bad_member_is_named(name: str, content: bytes, text: str) -> None:
    file = zipped({"b/1.png": PNG, "c/1.png": PNG, name: content})
    [(field, description)] = errors_of(file)
    shown = archive.shown(name)
    assert field == f"members[{shown}]"
    assert description.startswith(f"Member {shown!r}: ")
    assert text in description


def test_up_to_twenty_members_are_named() -> None:
    members = {f"a/{n:02}.png": b"" for n in range(30)} | {"b/1.png": PNG}
    assert [field for field, _ in errors_of(zipped(members))] == [
        f"members[a/{n:02}.png]" for n in range(20)
    ]


def test_one_class_is_too_few_and_257_are_too_many() -> None:
    assert "one class, 'a'" in errors_of(zipped({"a/1.png": PNG, "a/2.png": PNG}))[0][1]
    many = zipped({f"{n}/1.png": PNG for n in range(257)})
    assert "257 classes; the limit is 256" in errors_of(many)[0][1]


def changed(file: io.BytesIO, change: Callable[[bytearray], None]) -> io.BytesIO:
    content = bytearray(file.getvalue())
    change(content)
    return io.BytesIO(content)


def patched(at: bytes, offset: int, value: bytes) -> Callable[[bytearray], None]:
    """Write a value at an offset from every place of a signature."""

    def change(content: bytearray) -> None:
        place = content.find(at)
        while place >= 0:
            content[place + offset : place + offset + len(value)] = value
            place = content.find(at, place + 1)

    return change


def test_an_encrypted_member_is_refused() -> None:
    file = changed(zipped({"a/1.png": PNG, "b/1.png": PNG}), patched(b"PK\1\2", 8, b"\1\0"))
    assert "it is encrypted" in errors_of(file)[0][1]


def test_another_compression_is_refused() -> None:
    file = zipped({"a/1.png": PNG, "b/1.png": PNG}, zipfile.ZIP_LZMA)
    assert "its compression is neither deflate nor none" in errors_of(file)[0][1]


def test_a_name_that_occurs_twice_is_refused() -> None:
    file = changed(zipped({"a/1.png": PNG, "a/2.png": PNG, "b/1.png": PNG}), _twice)
    assert "two members of this name" in errors_of(file)[0][1]


def _twice(content: bytearray) -> None:
    content[:] = content.replace(b"a/2.png", b"a/1.png")


@pytest.mark.parametrize("stated", [10, 2**31 - 1])
def test_a_member_that_states_another_size_is_refused(stated: int) -> None:
    size = struct.pack("<I", stated)
    file = zipped({"a/1.png": b"\0" * 1000, "b/1.png": PNG})
    file = changed(file, patched(b"PK\1\2", 24, size))
    assert errors_of(file)[0][0] == "members[a/1.png]"


def test_bytes_are_counted_as_they_are_decompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_MEMBER_BYTES", 10_000)
    monkeypatch.setattr(images, "MAX_BYTES", 15_000)
    grows = PNG + b"\0" * 9000
    assert len(zipped({"a/1.png": grows}).getvalue()) < 500
    [(field, text)] = errors_of(zipped({"a/1.png": grows * 2, "b/1.png": PNG}))
    assert (field, "more than 10000 bytes" in text) == ("members[a/1.png]", True)
    [(field, text)] = errors_of(zipped({"a/1.png": grows, "b/1.png": grows}))
    assert (field, "more than 15000 bytes" in text) == ("members[b/1.png]", True)


def test_all_pixels_are_counted_before_any_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_TOTAL_PIXELS", 30)
    file = zipped({f"{n}/1.png": PNG for n in range(3)})  # 12 pixels each
    [(field, text)] = errors_of(file)
    assert (field, "more than 30 pixels" in text) == ("members[2/1.png]", True)


def test_a_huge_directory_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    file = zipped({"a/1.png": PNG, "b/1.png": PNG})
    huge = changed(file, patched(b"PK\5\6", 12, struct.pack("<I", 2**31)))
    assert "may have 50000 members; it has more" in errors_of(huge)[0][1]
    monkeypatch.setattr(images, "MAX_MEMBERS", 1)
    assert "may have 1 members; it has more" in errors_of(file)[0][1]


def test_the_format_is_recognized_by_the_content() -> None:
    assert format_of(zipped({"a/1.png": PNG})) == "images"
    assert format_of(zipped({"x.npy": b""})) == "arrays"
    assert format_of(io.BytesIO(b"a,b\n1,2\n")) == "csv"
    for content, text in {
        b"PAR1 and more": "Parquet",
        b"\x1f\x8b\x08": "gzip",
        b"\x93NUMPY": "numpy.savez",
        PNG: "one picture",
        JPEG: "one picture",
        zipped({"[Content_Types].xml": b""}).getvalue(): "office document",
        zipped({}).getvalue(): "no files",
        b"PK\3\4 and no end": "damaged",
    }.items():
        with pytest.raises(DatasetError, match=text):
            format_of(io.BytesIO(content))


VALID = zipped({"a/1.png": PNG, "b/1.jpg": JPEG, "b/2.png": encoded(picture("P"))}).getvalue()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_is_an_error_of_the_data_set_or_harmless(data: st.DataObject) -> None:
    content = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    with suppress(DatasetError):
        format_of(io.BytesIO(content))
        table = parse_images(io.BytesIO(content))
        assert ((table.inputs >= 0) & (table.inputs <= 1)).all()
