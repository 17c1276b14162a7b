"""Archives of arrays: read by role, or refused by an error that names the array or the row."""

import io
import tracemalloc
import zipfile
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal_service.datasets import DatasetError, arrays, parse_arrays

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
Y = np.array([0, 1, 0])


def saved(*positional: Any, compressed: bool = False, **named: Any) -> io.BytesIO:
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, *positional, **named)
    buffer.seek(0)
    return buffer


def errors_of(file: io.BytesIO, **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(DatasetError) as caught:
        parse_arrays(file, **options)
    return caught.value.errors


@pytest.mark.parametrize(
    "names", [("inputs", "targets"), ("x", "y"), ("X", "y"), ("x_train", "y_train"), None]
)
@pytest.mark.parametrize("compressed", [True, False])
def test_inputs_and_targets_are_found_by_their_names(
    names: tuple[str, str] | None, compressed: bool
) -> None:
    if names is None:
        file = saved(X, Y, compressed=compressed)
    else:
        file = saved(compressed=compressed, **dict(zip(names, (X, Y), strict=True)))
    table = parse_arrays(file)
    assert table.inputs.tolist() == X.tolist()
    assert table.targets.tolist() == Y.tolist()
    assert (table.task, table.class_names) == ("binary", ("0", "1"))
    assert table.feature_names == ("x1", "x2")


def test_arrays_in_the_order_of_fortran_and_big_endian_are_read() -> None:
    table = parse_arrays(saved(x=np.asfortranarray(X).astype(">f4"), y=Y.astype(">i2")))
    assert table.inputs.tolist() == X.tolist()
    assert table.targets.tolist() == Y.tolist()


@pytest.mark.parametrize(
    ("targets", "options", "task", "names", "expected"),
    [
        ([5, 7, 9], {}, "multiclass", ("5", "7", "9"), [0, 1, 2]),
        ([[5], [7], [5]], {}, "binary", ("5", "7"), [0, 1, 0]),
        ([True, False, True], {}, "binary", ("0", "1"), [1, 0, 1]),
        (["dog", "cat", "dog"], {}, "binary", ("cat", "dog"), [1, 0, 1]),
        ([1.0, 2.0, 2.0], {"task": "classification"}, "binary", ("1", "2"), [0, 1, 1]),
        ([1.5, 2.0, 2.5], {}, "regression", (), [[1.5], [2.0], [2.5]]),
        ([1, 2, 3], {"task": "regression"}, "regression", (), [[1.0], [2.0], [3.0]]),
        ([[1.0, 2.0]] * 3, {}, "regression", (), [[1.0, 2.0]] * 3),
        ([[0, 2], [1, -1], [1, 1]], {}, "sequence", ("0", "1", "2"), [[0, 2], [1, -1], [1, 1]]),
    ],
)
def test_the_type_of_the_targets_decides_the_task(
    targets: Any, options: Any, task: str, names: Any, expected: Any
) -> None:
    table = parse_arrays(saved(x=X, y=np.array(targets)), **options)
    assert (table.task, table.class_names) == (task, names)
    assert table.targets.tolist() == expected


@pytest.mark.parametrize(
    ("inputs", "last", "divisor"),
    [
        (np.full((2, 4, 5), 51, np.uint8), "pixel_3_4", 255),
        (np.full((2, 4, 5, 1), 51, np.uint8), "pixel_3_4", 255),
        (np.full((2, 4, 5, 3), 51, np.uint8), "pixel_3_4_2", 255),
        (np.full((2, 4, 5, 3), 51.0), "pixel_3_4_2", 1),
        (np.full((2, 4, 5), 51.0), "x20", 1),
        (np.full((2, 4), 51, np.uint8), "x4", 1),
        (np.full(2, 51), "x1", 1),
    ],
)
def test_images_have_the_names_of_pixels(inputs: Any, last: str, divisor: float) -> None:
    table = parse_arrays(saved(x=inputs, y=[0, 1]))
    assert table.feature_names[-1] == last
    assert np.allclose(table.inputs, 51 / divisor)
    assert ("divided by 255" in table.description) == (divisor == 255)


def test_names_of_features_and_classes_are_read_and_others_are_reported() -> None:
    file = saved(x=X, y=Y, feature_names=["a", "b"], class_names=["no", "yes", "?"], x_test=X)
    table = parse_arrays(file)
    assert (table.feature_names, table.class_names) == (("a", "b"), ("no", "yes", "?"))
    assert table.task == "multiclass"
    assert table.description.endswith("Not used: x_test.")


@pytest.mark.parametrize("name", ["weights", "sample_weight"])
def test_weights_of_the_rows_are_read(name: str) -> None:
    arrays: dict[str, Any] = {name: [0, 2, 1]}
    table = parse_arrays(saved(x=X, y=Y, **arrays))
    assert table.weights is not None
    assert table.weights.tolist() == [0.0, 2.0, 1.0]
    assert "Not used" not in table.description


NAN = np.array([[1.0, 2.0], [np.nan, 0.0], [1.0, np.inf]])


@pytest.mark.parametrize(
    ("named", "options", "errors"),
    [
        (
            {"x": NAN, "y": Y},
            {},
            {
                "inputs[1]": "Row 1 of inputs has nan in column 0; it must be a finite number.",
                "inputs[2]": "Row 2 of inputs has inf in column 1; it must be a finite number.",
            },
        ),
        ({"x": X, "y": NAN}, {}, {"targets[1]": "nan in column 0", "targets[2]": "inf in"}),
        ({"x": X}, {}, {"targets": "no array of targets: its name must be one of targets, y"}),
        ({"y": X}, {}, {"inputs": "the arrays are y."}),
        ({"x": X, "y": [0, 1]}, {}, {"targets": "3 inputs, but 2 targets"}),
        ({"x": X[:1], "y": [0]}, {}, {"inputs": "at least two rows; got 1"}),
        ({"x": X, "y": Y}, {"max_rows": 2}, {"inputs": "3 rows; the limit is 2"}),
        ({"x": X, "y": Y}, {"max_columns": 1}, {"inputs": "A row has 2 numbers"}),
        ({"x": np.zeros((3, 0)), "y": Y}, {}, {"inputs": "A row has 0 numbers"}),
        ({"x": 3.0, "y": Y}, {}, {"inputs": "are one value"}),
        ({"x": X, "y": np.zeros((3, 2, 2))}, {}, {"targets": "3 x 2 x 2"}),
        ({"x": X, "y": [0, 0, 0]}, {}, {"targets": "have 1 classes"}),
        ({"x": X, "y": [[1, 0], [0, 1], [1, 0]]}, {}, {"targets": "one-hot"}),
        ({"x": X, "y": [[0, 2], [1, -2], [1, 1]]}, {}, {"targets[1]": "not in -1 to 2"}),
        ({"x": X, "y": [1.0, 1.5, 2.0]}, {"task": "classification"}, {"targets[1]": "no whole"}),
        ({"x": X, "y": ["a", "b", "c"]}, {"task": "regression"}, {"task": "texts"}),
        ({"x": np.array([["a"]] * 3), "y": Y}, {}, {"inputs": "texts"}),
        ({"x": X * 1j, "y": Y}, {}, {"members[x.npy]": "complex128"}),
        ({"x": np.array(["2026-01-01"] * 3, "M8[D]"), "y": Y}, {}, {"members[x.npy]": "datetime"}),
        ({"x": X, "y": Y, "class_names": ["a"]}, {}, {"targets[1]": "not in 0 to 0"}),
        ({"x": X, "y": Y, "weights": [1, 2]}, {}, {"weights": "3 numbers, one per row"}),
        ({"x": X, "y": Y, "weights": ["a", "b", "c"]}, {}, {"weights": "3 numbers"}),
        ({"x": X, "y": Y, "weights": [1, -2, 0]}, {}, {"weights[1]": "is -2; a weight must be"}),
        ({"x": X, "y": Y, "weights": [1, 2, np.inf]}, {}, {"weights[2]": "is inf"}),
        ({"x": X, "y": Y, "feature_names": ["a"]}, {}, {"feature_names": "2 distinct"}),
        ({"x": X, "y": Y, "feature_names": [1, 2]}, {}, {"members[feature_names.npy]": "texts"}),
    ],
)
def test_what_is_wrong_is_named(
    named: dict[str, Any], options: dict[str, Any], errors: dict[str, str]
) -> None:
    problems = dict(errors_of(saved(**named), **options))
    assert problems.keys() == errors.keys()
    for field, text in errors.items():
        assert text in problems[field]


def raw(**members: bytes) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(f"{name}.npy", content)
    buffer.seek(0)
    return buffer


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + body


class Explosive:
    """Raises if it is unpickled."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickled object was loaded",))


def test_pickled_objects_are_never_loaded() -> None:
    [(field, text)] = errors_of(saved(x=np.array([Explosive()] * 3), y=Y))
    assert field == "members[x.npy]"
    assert "Python objects, which are not read" in text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "its header is invalid"),
        (b"\x93NUMPY\3\0", "its version of .npy is not 1 or 2"),
        (b"\x93NUMPY\1\0\xff\xff{", "its header is invalid"),
        (npy("{'descr': '<f8'}"), "its header is invalid"),
        (npy("__import__('os')"), "its header is invalid"),
        (npy("{'descr': os}"), "its header is invalid"),
        (
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1," * 5000 + ")}"),
            "invalid",
        ),
        (
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"),
            "states 1000000000000 values of 8 bytes; it has 0 bytes",
        ),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 4)}"), "it has 0 bytes"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", b"\0" * 17), "17 bytes"),
        (npy("{'descr': '|V8', 'fortran_order': False, 'shape': (2,)}", b"\0" * 16), "its type"),
        (npy("{'descr': '<U0', 'fortran_order': False, 'shape': (2,)}"), "its type"),
    ],
)
def test_a_broken_array_is_named(content: bytes, text: str) -> None:
    y = saved(y=Y)
    with zipfile.ZipFile(y) as archive:
        [(field, description)] = errors_of(raw(x=content, y=archive.read("y.npy")))
    assert field == "members[x.npy]"
    assert text in description
    assert "0x" not in description, "an address of this process"


def test_an_array_that_grows_while_it_is_decompressed_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrays, "MAX_MEMBER_BYTES", 2**16)
    file = saved(x=np.zeros((10_000, 2)), y=Y, compressed=True)
    assert len(file.getvalue()) < 2000
    [(field, text)] = errors_of(file)
    assert (field, "more than 65536 bytes" in text) == ("members[x.npy]", True)


def test_no_more_of_an_array_than_the_limit_is_decompressed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrays, "MAX_MEMBER_BYTES", 2**16)
    file = saved(x=np.zeros((2_000_000, 2)), y=Y, compressed=True)
    tracemalloc.start()
    try:
        assert errors_of(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**22  # of 32 MB


VALID = saved(x=X, y=Y, feature_names=["a", "b"]).getvalue()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_is_an_error_of_the_data_set_or_harmless(data: st.DataObject) -> None:
    content = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    with suppress(DatasetError):
        assert np.isfinite(parse_arrays(io.BytesIO(content)).inputs).all()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.binary(max_size=40))
def test_any_header_is_an_error_of_the_data_set_or_harmless(header: str, body: bytes) -> None:
    file = raw(x=npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {header}}}", body))
    with pytest.raises(DatasetError):  # the targets are missing in any case
        parse_arrays(file)
    with pytest.raises(DatasetError):
        parse_arrays(raw(x=npy(header, body), y=npy(header, body)))
