"""A retry and another request with the same key differ, also for a later version."""

from pydantic import create_model

from epochal_service.methods.fingerprints import fingerprint
from epochal_service.specs.base import Spec


class Layer(Spec):
    units: int = 1


class Network(Spec):
    name: str = ""
    layers: list[Layer]
    request_id: str | None = None


class LaterLayer(Layer):
    bias: bool = True


LaterNetwork = create_model(
    "Network", __base__=Network, layers=(list[LaterLayer], ...), note=(str, "")
)


def test_the_idempotency_key_is_no_part_of_the_request() -> None:
    request = Network(layers=[Layer(units=3)])
    assert fingerprint(request) == fingerprint(request.model_copy(update={"request_id": "k"}))


def test_a_field_that_differs_makes_another_request() -> None:
    request = Network(layers=[Layer(units=3)])
    for other in (Network(layers=[Layer(units=4)]), Network(name="n", layers=[Layer(units=3)])):
        assert fingerprint(other) != fingerprint(request)
    assert fingerprint(request, Layer(units=2)) != fingerprint(request)


def test_a_default_may_be_written_or_left_out() -> None:
    assert fingerprint(Network(name="", layers=[Layer(units=1)])) == fingerprint(
        Network.model_validate({"layers": [{}]})
    )


def test_a_version_with_further_fields_knows_the_request() -> None:
    document = {"name": "n", "layers": [{"units": 3}, {}]}
    request, later = (model.model_validate(document) for model in (Network, LaterNetwork))
    assert fingerprint(later) == fingerprint(request)
