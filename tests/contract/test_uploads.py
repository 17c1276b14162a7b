"""A file in pieces is the same file, and is refused for the same reasons, over both wires."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_actions import comparable
from tests.contract.wires import Answer, Wires
from tests.datasets.test_arrays import NAN, X, Y, npy, raw, saved
from tests.datasets.test_images import ANIMATED, NOISE, PNG, bomb, zipped

Call = Callable[..., Answer]
MESSY = Path(__file__).parents[1] / "datasets" / "messy"
PICTURES = {"a/1.png": PNG, "b/1.png": PNG}


def uploaded(call: Call, content: bytes, piece: int) -> str:
    upload_id: str = call("CreateUpload", size_bytes=len(content)).reply["id"]
    for offset in range(0, len(content), piece):
        data = content[offset : offset + piece]
        reply = call("AppendUpload", id=upload_id, offset=offset, data=data).reply
        assert reply["offset"] == offset + len(data)
    return upload_id


def created(service: Wires, content: bytes, piece: int = 100_000, **options: Any) -> Answer:
    """The answer of both wires, which must be the same one."""
    answers = [
        call("CreateDataset", name="mine", upload=uploaded(call, content, piece), **options)
        for call in (service.over_http, service.over_grpc)
    ]
    assert comparable(answers[0]) == comparable(answers[1])
    return answers[0]


@pytest.mark.parametrize(
    ("content", "task"),
    [
        (b"a,b\n1,2.5\n2,3.5\n", "regression"),
        (zipped(PICTURES).getvalue(), "binary"),
        (saved(x=X, y=Y).getvalue(), "binary"),
    ],
)
def test_any_pieces_make_the_file(service: Wires, content: bytes, task: str) -> None:
    answers = [created(service, content, piece) for piece in (1 + len(content) // 3, 1_000_000)]
    assert [answer.reply["task"] for answer in answers] == [task, task]
    assert comparable(answers[0]) == comparable(answers[1])


def test_formats_of_numbers_and_notes_about_them_are_the_same_on_both_wires(
    service: Wires,
) -> None:
    reply = created(service, (MESSY / "german.csv").read_bytes()).reply
    rent = next(column for column in reply["columns"] if column["name"] == "Miete")
    assert (rent["decimal_commas"], rent["thousands"], rent["maximum"]) == (True, ".", 2140)
    assert {"column": "Preis", "reason": "format"}.items() <= reply["warnings"][-1].items()


@pytest.mark.parametrize(
    ("content", "options", "field"),
    [
        (b"a,b\n1,x\n", {}, "data"),
        ((MESSY / "mixed_formats.csv").read_bytes(), {}, "lines[4].marks"),
        (b"a,b\n1,2\n", {"color": "rgb"}, "color"),
        (b"PAR1", {}, "data"),
        (b"PK\3\4", {}, "data"),
        (zipped(PICTURES).getvalue()[:-30], {}, "data"),
        (zipped(PICTURES).getvalue(), {"target": "a"}, "target"),
        (zipped(PICTURES).getvalue(), {"image_size": [65, 65]}, "image_size"),
        (zipped(PICTURES | {"../x.png": PNG}).getvalue(), {}, "members[../x.png]"),
        (zipped(PICTURES | {"b/x.png": ANIMATED}).getvalue(), {}, "members[b/x.png]"),
        (zipped(PICTURES | {"b/x.png": NOISE[:-40]}).getvalue(), {}, "members[b/x.png]"),
        (zipped(PICTURES | {"b/x.png": bomb(10_000)}).getvalue(), {}, "members[b/x.png]"),
        (saved(x=NAN, y=Y).getvalue(), {"task": "classification"}, "inputs[1]"),
        (saved(x=X).getvalue(), {}, "targets"),
        (raw(x=npy("{}"), y=b"").getvalue(), {}, "members[x.npy]"),
    ],
)
def test_a_refusal_names_the_same_on_both_wires(
    service: Wires, content: bytes, options: dict[str, Any], field: str
) -> None:
    answer = created(service, content, **options)
    assert (answer.kind, answer.reason) == ("INVALID_ARGUMENT", "invalid_argument")
    assert field in {name for name, _ in answer.errors}


def test_what_is_wrong_with_an_upload_has_the_same_reason(service: Wires) -> None:
    upload_id = uploaded(service.over_http, b"12345", 2)

    def both(rpc: str, **fields: Any) -> Answer:
        over_http, over_grpc = service.both(rpc, **fields)
        assert over_http == over_grpc
        return over_http

    assert both("AppendUpload", id=upload_id, offset=3, data=b"x").reason == "wrong_offset"
    assert both("AppendUpload", id=upload_id, offset=5, data=b"6").reason == "invalid_argument"
    assert both("AppendUpload", id=upload_id, offset=4, data=b"").reason == "invalid_argument"
    assert both("AppendUpload", id="upload_1", offset=0, data=b"x").kind == "NOT_FOUND"
    assert both("CreateUpload", size_bytes=2**40).reason == "too_large"
    assert both("CreateUpload", size_bytes=1, sha256="x").reason == "invalid_argument"
    assert both("CreateDataset", name="x", upload="upload_1").reason == "invalid_argument"
    part = service.over_grpc("CreateUpload", size_bytes=5).reply["id"]
    assert both("CreateDataset", name="x", upload=part).reason == "upload_incomplete"
    digest = service.over_grpc("CreateUpload", size_bytes=1, sha256="0" * 64).reply["id"]
    service.over_grpc("AppendUpload", id=digest, offset=0, data=b"x")
    assert both("CreateDataset", name="x", upload=digest).reason == "invalid_argument"


def test_an_upload_is_deleted_once(service: Wires) -> None:
    ids = [uploaded(call, b"12", 1) for call in (service.over_http, service.over_grpc)]
    assert service.over_http("DeleteUpload", id=ids[0]) == Answer({})
    assert service.over_grpc("DeleteUpload", id=ids[1]) == Answer({})
    for rpc in ("DeleteUpload", "GetUpload"):
        over_http, over_grpc = service.both(rpc, id=ids[0])
        assert over_http == over_grpc == Answer(None, "NOT_FOUND", "not_found")
