"""Famous networks with their sources, built from the layers here where possible."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any, Literal

from epochal_engine import summarize
from epochal_service.specs.build import build_network
from epochal_service.specs.networks import NetworkSpec

from ..loading import Entry, load
from ..specs.content.models import Model
from ..specs.explorers.quantity import Quantity
from ..specs.explorers.transformer_size import TransformerSize
from .formulas import Expression, quantity
from .formulas import total as sum_of
from .transformers import parts, total


class Famous(Entry):
    """A famous network of `content/models.yaml`."""

    id: str
    name: str
    year: int
    kind: str
    source: str
    note: str
    size: TransformerSize | None = None
    stated: int | None = None
    """The published or estimated number of parameters, if it is not computed."""
    source_type: Literal["computed", "published", "estimated"] = "computed"

    @property
    def network(self) -> NetworkSpec | None:
        """The network as a spec; None if it cannot be built here."""
        return NETWORKS.get(self.id)

    @cached_property
    def parameter_counts(self) -> list[Quantity]:
        """The groups of its parameters, and last their sum."""
        if self.size is not None:
            groups = parts(self.size)
            return [*(part.quantity for part in groups), total(groups)]
        if self.network is None:
            return []
        summary = summarize(build_network(self.network))
        rows = [row for row in summary.layers if row.parameters]
        return [
            *(
                quantity(
                    row.name,
                    row.parameters,
                    "weights + biases",
                    Expression(row.parameters_formula),
                )
                for row in rows
            ),
            quantity(
                "parameters",
                summary.parameters,
                " + ".join(row.name for row in rows),
                sum_of([row.parameters for row in rows]),
            ),
        ]

    @property
    def parameters(self) -> int:
        """The number of parameters, stated or computed."""
        return int(self.parameter_counts[-1].value) if self.stated is None else self.stated

    @property
    def model(self) -> Model:
        """The network as a model of the API."""
        return Model(
            id=self.id,
            name=self.name,
            year=self.year,
            kind=self.kind,
            parameters=self.parameters,
            source_type=self.source_type,
            parameter_counts=self.parameter_counts,
            size=self.size,
            network=self.network,
            source=self.source,
            note=self.note,
        )


def _network(input_shape: list[int], layers: list[dict[str, Any]]) -> NetworkSpec:
    return NetworkSpec.model_validate({"input_shape": input_shape, "layers": layers})


def _convolution(filters: int, size: int, activation: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "conv2d",
        "filters": filters,
        "kernel_size": size,
        "activation": activation,
        **more,
    }


def _dense(units: int, activation: str) -> dict[str, Any]:
    return {"type": "dense", "units": units, "activation": activation}


_POOL = {"type": "max_pool2d", "pool_size": 3, "stride": 2}

LENET_5 = _network(
    [32, 32, 1],
    [
        _convolution(6, 5, "tanh"),
        {"type": "average_pool2d", "pool_size": 2},
        _convolution(16, 5, "tanh"),
        {"type": "average_pool2d", "pool_size": 2},
        {"type": "flatten"},
        _dense(120, "tanh"),
        _dense(84, "tanh"),
        _dense(10, "softmax"),
    ],
)
ALEXNET = _network(
    [227, 227, 3],
    [
        _convolution(96, 11, "relu", stride=4),
        _POOL,
        _convolution(256, 5, "relu", padding="same"),
        _POOL,
        _convolution(384, 3, "relu", padding="same"),
        _convolution(384, 3, "relu", padding="same"),
        _convolution(256, 3, "relu", padding="same"),
        _POOL,
        {"type": "flatten"},
        {"type": "dropout", "rate": 0.5},
        _dense(4096, "relu"),
        {"type": "dropout", "rate": 0.5},
        _dense(4096, "relu"),
        _dense(1000, "softmax"),
    ],
)
_BLOCK = {"type": "transformer_block", "heads": 12, "hidden": 3072, "dropout": 0.1}
BERT_BASE = _network(
    [2, 512],
    [
        {"type": "slice", "start": 0, "stop": 1},
        {"type": "reshape", "shape": [512]},
        {"type": "embedding", "vocabulary": 30_522, "units": 768, "name": "tokens"},
        {"type": "slice", "start": 1, "stop": 2, "input": "input"},
        {"type": "reshape", "shape": [512]},
        {"type": "embedding", "vocabulary": 2, "units": 768, "name": "segments"},
        {"type": "add", "input": ["tokens", "segments"]},
        {"type": "positional_encoding", "kind": "learned", "name": "positions"},
        {"type": "layer_norm"},
        *(_BLOCK | {"norm": "post", "name": f"block_{i + 1}"} for i in range(12)),
        {"type": "slice", "start": 0, "stop": 1},
        {"type": "flatten"},
        _dense(768, "tanh"),
    ],
)
GPT_2 = _network(
    [1024],
    [
        {"type": "embedding", "vocabulary": 50_257, "units": 768, "name": "tokens"},
        {"type": "positional_encoding", "kind": "learned", "name": "positions"},
        *(_BLOCK | {"causal": True, "name": f"block_{i + 1}"} for i in range(12)),
        {"type": "layer_norm"},
    ],
)

NETWORKS = {"lenet-5": LENET_5, "alexnet": ALEXNET, "bert-base": BERT_BASE, "gpt-2": GPT_2}
"""By the id of the famous network."""


@cache
def famous_networks() -> list[Famous]:
    """Return the famous networks, smallest first."""
    return load("models", list[Famous])


@cache
def models() -> list[Model]:
    """Return all famous networks as models of the API."""
    return [famous.model for famous in famous_networks()]
