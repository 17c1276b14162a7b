"""An error crosses the wire whole: its code, its sentence, its reason and its fields."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from anyio.from_thread import start_blocking_portal
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from grpc_status import rpc_status

from epochal_service import errors
from epochal_service.errors import EpochalError, FieldError, InvalidArgument, Unavailable
from epochal_service.rpc.status import abort

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, EpochalError)
]


class Failing:
    """A server of one method, which ends every call with `error`."""

    error: Exception
    channel: grpc.Channel

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[int]:
        async def fail(raw: bytes, call: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
            return await abort(call, self.error)

        server = grpc.aio.server()
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(fail)
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("test.Failing", {"Fail": method})]
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        yield port
        await server.stop(None)

    def details_of(self, error: Exception) -> tuple[grpc.StatusCode, str, list[Any]]:
        """The details of `error` for a client."""
        self.error = error
        fail: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self.channel.unary_unary(
            "/test.Failing/Fail"
        )
        with pytest.raises(grpc.RpcError) as caught:
            fail(b"")
        status = rpc_status.from_call(caught.value)
        assert status is not None, "the details were lost on the way"
        details = []
        for packed in status.details:
            kind = {t.DESCRIPTOR.full_name: t for t in (ErrorInfo, BadRequest, RetryInfo)}[
                packed.TypeName()
            ]
            details.append(kind.FromString(packed.value))
        return caught.value.code(), str(caught.value.details()), details


@pytest.fixture(scope="module")
def failing() -> Iterator[Failing]:
    server = Failing()
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(server.serve()) as port,
        grpc.insecure_channel(f"127.0.0.1:{port}") as server.channel,
    ):
        yield server


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_has_its_code_its_sentence_and_its_reason(
    failing: Failing, kind: type[EpochalError]
) -> None:
    code, message, details = failing.details_of(kind("Größer als 1 → no."))
    assert code.name == kind.code
    assert message == "Größer als 1 → no."
    assert details[0] == ErrorInfo(reason=kind.reason, domain="epochal")


def test_a_reason_of_its_own_comes_before_that_of_the_class(failing: Failing) -> None:
    _, _, details = failing.details_of(errors.Conflict("It has ended.", reason="job_ended"))
    assert details == [ErrorInfo(reason="job_ended", domain="epochal")]


def test_wrong_fields_are_named(failing: Failing) -> None:
    wrong = FieldError("network.layers[0].units", "must be at least 1")
    code, message, details = failing.details_of(InvalidArgument.of(wrong))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert message == "network.layers[0].units: must be at least 1"
    violations = details[1].field_violations
    assert [(v.field, v.description) for v in violations] == [wrong]


def test_unavailable_says_when_to_come_back(failing: Failing) -> None:
    code, _, details = failing.details_of(Unavailable("The database is away.", retry_after=7))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert details[1].retry_delay.seconds == 7


def test_a_defect_is_internal_and_keeps_its_words_for_the_log(
    failing: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        code, message, details = failing.details_of(ZeroDivisionError("secret"))
    assert code is grpc.StatusCode.INTERNAL
    assert details == [ErrorInfo(reason="internal", domain="epochal")]
    assert "secret" not in message
    assert "ZeroDivisionError: secret" in caplog.text


@pytest.mark.parametrize("letter", ["x", "ö", "深", "🙂"])
@pytest.mark.parametrize("length", [10, 100, 1000, 100_000])
def test_no_error_is_too_large_to_arrive(failing: Failing, letter: str, length: int) -> None:
    wrong = [FieldError(f"labels.{i}" + letter * length, letter * length) for i in range(50)]
    code, message, details = failing.details_of(InvalidArgument.of(*wrong))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert message.startswith("labels.0" + letter * 10)
    assert details[0] == ErrorInfo(reason="invalid_argument", domain="epochal")
    violations = [(v.field, v.description) for d in details[1:] for v in d.field_violations]
    # If more than fit, the first by name.
    assert violations == sorted(wrong)[: len(violations)]
    assert len(violations) == 20 or length > 10
