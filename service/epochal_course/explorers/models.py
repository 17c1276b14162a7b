"""Famous networks with their sources, built from the layers here where possible."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

from epochal_engine import summarize
from epochal_service.specs.build import build_network
from epochal_service.specs.networks import NetworkSpec

from ..specs.content.models import Model
from ..specs.explorers.quantity import Quantity
from ..specs.explorers.transformer_size import TransformerSize
from .formulas import Expression, quantity
from .formulas import total as sum_of
from .transformers import parts, total


@dataclass(frozen=True)
class Famous:
    """A famous network."""

    id: str
    name: str
    year: int
    kind: str
    source: str
    note: str
    network: NetworkSpec | None = None
    size: TransformerSize | None = None
    stated: int | None = None
    """The published or estimated number of parameters, if it is not computed."""
    source_type: Literal["computed", "published", "estimated"] = "computed"

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

FAMOUS = (
    Famous(
        id="lenet-5",
        name="LeNet-5",
        year=1998,
        kind="convolutional network",
        network=LENET_5,
        source="LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to "
        "document recognition, Proceedings of the IEEE 86, doi:10.1109/5.726791",
        note="Built as is usual today: every feature map is connected to all previous ones, "
        "pooling has no parameters, and the output is a softmax. The original, whose maps are "
        "partly connected, has 60,000 parameters.",
    ),
    Famous(
        id="alexnet",
        name="AlexNet",
        year=2012,
        kind="convolutional network",
        network=ALEXNET,
        source="Krizhevsky, Sutskever and Hinton (2012), ImageNet classification with deep "
        "convolutional neural networks, NeurIPS 25",
        note="As one tower. The original is split over two graphics cards, so that some of its "
        "convolutions see half of the feature maps, and has 60 million parameters.",
    ),
    Famous(
        id="bert-base",
        name="BERT-base",
        year=2018,
        kind="transformer",
        network=BERT_BASE,
        size=TransformerSize(
            family="bert", layers=12, width=768, heads=12, vocabulary=30_522, context=512
        ),
        source="Devlin, Chang, Lee and Toutanova (2018), BERT: pre-training of deep bidirectional "
        "transformers for language understanding, arXiv:1810.04805",
        note="The uncased model, with the dense layer over its first token (pooler). The paper "
        "rounds to 110 million.",
    ),
    Famous(
        id="gpt-2",
        name="GPT-2",
        year=2019,
        kind="transformer",
        network=GPT_2,
        size=TransformerSize(layers=12, width=768, heads=12, vocabulary=50_257, context=1024),
        source="Radford, Wu, Child, Luan, Amodei and Sutskever (2019), Language models are "
        "unsupervised multitask learners, OpenAI",
        note="The smallest of four. Its token embeddings are also its output weights and are "
        "counted once.",
    ),
    Famous(
        id="gpt-2-xl",
        name="GPT-2 XL",
        year=2019,
        kind="transformer",
        size=TransformerSize(layers=48, width=1600, heads=25, vocabulary=50_257, context=1024),
        source="Radford, Wu, Child, Luan, Amodei and Sutskever (2019), Language models are "
        "unsupervised multitask learners, OpenAI",
        note="The largest of four, known as the 1.5 billion model.",
    ),
    Famous(
        id="llama-2-70b",
        name="Llama 2 70B",
        year=2023,
        kind="transformer",
        size=TransformerSize(
            family="llama",
            layers=80,
            width=8192,
            heads=64,
            key_value_heads=8,
            hidden=28_672,
            vocabulary=32_000,
            context=4096,
        ),
        source="Touvron et al. (2023), Llama 2: open foundation and fine-tuned chat models, "
        "arXiv:2307.09288, and the configuration published with its weights",
        note="64 query heads share 8 heads of keys and values.",
    ),
    Famous(
        id="gpt-3",
        name="GPT-3",
        year=2020,
        kind="transformer",
        size=TransformerSize(layers=96, width=12_288, heads=96, vocabulary=50_257, context=2048),
        stated=175_000_000_000,
        source_type="published",
        source="Brown et al. (2020), Language models are few-shot learners, table 2.1, "
        "arXiv:2005.14165",
        note="The paper states 175 billion; its sizes give a little less.",
    ),
    Famous(
        id="llama-3.1-405b",
        name="Llama 3.1 405B",
        year=2024,
        kind="transformer",
        size=TransformerSize(
            family="llama",
            layers=126,
            width=16_384,
            heads=128,
            key_value_heads=8,
            hidden=53_248,
            vocabulary=128_256,
            context=131_072,
        ),
        source="Grattafiori et al. (2024), The Llama 3 herd of models, table 3, arXiv:2407.21783, "
        "and the configuration published with its weights",
        note="Every token uses all of its parameters.",
    ),
    Famous(
        id="gpt-4-estimate",
        name="GPT-4 (estimate)",
        year=2023,
        kind="mixture of transformers",
        stated=1_800_000_000_000,
        source_type="estimated",
        source="Patel and Wong (July 2023), GPT-4 architecture, infrastructure, training dataset, "
        "costs, vision, MoE, SemiAnalysis",
        note="Nothing is published. By that estimate, about 280 billion parameters are active for "
        "any one token.",
    ),
)
"""Smallest first."""


@lru_cache(maxsize=1)
def models() -> tuple[Model, ...]:
    """Return all famous networks as models of the API."""
    return tuple(famous.model for famous in FAMOUS)
