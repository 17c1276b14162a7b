"""Every layer computes, and learns, what PyTorch's does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from tests.oracles.comparison import Peer, Tensor, Weights, check_gradient, check_training, torch

from epochal_engine import *

F: Any = torch.nn.functional
SAMPLES = 4


@dataclass(frozen=True)
class Oracle:
    """A layer, the shape of its input, and the same layer in PyTorch."""

    layer: Layer
    input_shape: tuple[int, ...]
    compute: Callable[..., Tensor]
    """`compute(w, x)` or `compute(w, x, x2)`, with the layer's parameters by their short names."""

    @property
    def label(self) -> str:
        return f"{self.layer} on {self.input_shape}"


def first(x: Tensor) -> Tensor:
    """Channels from the last axis to the one after the samples."""
    return x.movedim(-1, 1)


def last(x: Tensor) -> Tensor:
    """And back."""
    return x.movedim(1, -1)


def dense(w: Weights, x: Tensor, name: str = "") -> Tensor:
    return F.linear(x, w[f"{name}weight"].T, w.get(f"{name}bias"))


def conv(w: Weights, x: Tensor, dimensions: int, **options: Any) -> Tensor:
    kernel = w["weight"].movedim((-1, -2), (0, 1))
    function = F.conv1d if dimensions == 1 else F.conv2d
    return last(function(first(x), kernel, w.get("bias"), **options))


def same(x: Tensor, before: int, after: int) -> Tensor:
    """An image with zeros at all its four sides."""
    return F.pad(x, (0, 0, before, after, before, after))


def recurrent(module: Any, w: Weights, x: Tensor, order: list[int], units: int) -> Tensor:
    """All states; `order` are the engine's gates in the order of PyTorch."""

    def gates(name: str) -> Tensor:
        parts = w[name].split(units, dim=-1)
        return torch.cat([parts[gate] for gate in order], dim=-1)

    bias = gates("bias")
    given = {
        "weight_ih_l0": gates("weight").T,
        "weight_hh_l0": gates("recurrent").T,
        "bias_ih_l0": bias,
        "bias_hh_l0": torch.zeros_like(bias),
    }
    return torch.func.functional_call(module.to(x.dtype), given, x)[0]


def gru(w: Weights, x: Tensor, units: int) -> Tensor:
    """All states. PyTorch's own resets after the product, which is another layer."""
    h, states = torch.zeros(len(x), units, dtype=x.dtype), []
    wz, wr, wc = w["weight"].split(units, dim=1)
    uz, ur, uc = w["recurrent"].split(units, dim=1)
    bz, br, bc = w["bias"].split(units)
    for t in range(x.shape[1]):
        z = torch.sigmoid(x[:, t] @ wz + h @ uz + bz)
        r = torch.sigmoid(x[:, t] @ wr + h @ ur + br)
        h = z * h + (1 - z) * torch.tanh(x[:, t] @ wc + (r * h) @ uc + bc)
        states.append(h)
    return torch.stack(states, 1)


def attention(
    w: Weights, query: Tensor, memory: Tensor, heads: int, causal: bool, name: str = ""
) -> Tensor:
    steps, features = query.shape[1:]
    mask = torch.ones(steps, memory.shape[1], dtype=torch.bool).triu(1) if causal else None
    parts = ("query", "key", "value")
    actual, _ = F.multi_head_attention_forward(
        query.transpose(0, 1),
        memory.transpose(0, 1),
        memory.transpose(0, 1),
        features,
        heads,
        None,
        torch.cat([w[f"{name}{part}.bias"] for part in parts]),
        None,
        None,
        False,
        0.0,
        w[f"{name}output.weight"].T,
        w[f"{name}output.bias"],
        attn_mask=mask,
        need_weights=False,
        use_separate_proj_weight=True,
        q_proj_weight=w[f"{name}query.weight"].T,
        k_proj_weight=w[f"{name}key.weight"].T,
        v_proj_weight=w[f"{name}value.weight"].T,
    )
    return actual.transpose(0, 1)


def additive_attention(w: Weights, query: Tensor, memory: Tensor) -> Tensor:
    queries = (query @ w["query.weight"])[:, :, None]
    scores = torch.tanh(queries + (memory @ w["memory.weight"])[:, None]) @ w["score.weight"]
    return torch.softmax(scores[..., 0], -1) @ memory


def transformer_block(w: Weights, x: Tensor, layer: TransformerBlock) -> Tensor:
    features = x.shape[-1]
    module = torch.nn.TransformerEncoderLayer(
        features,
        layer.heads,
        layer.hidden,
        dropout=0.0,
        activation={"gelu": F.gelu, "relu": F.relu}[layer.activation],
        batch_first=True,
        norm_first=layer.norm == "pre",
        dtype=x.dtype,
    )
    projections = ("query", "key", "value")
    given = {
        "self_attn.in_proj_weight": torch.cat([w[f"attention.{p}.weight"].T for p in projections]),
        "self_attn.in_proj_bias": torch.cat([w[f"attention.{p}.bias"] for p in projections]),
        "self_attn.out_proj.weight": w["attention.output.weight"].T,
        "self_attn.out_proj.bias": w["attention.output.bias"],
        "linear1.weight": w["hidden.weight"].T,
        "linear1.bias": w["hidden.bias"],
        "linear2.weight": w["output.weight"].T,
        "linear2.bias": w["output.bias"],
        "norm1.weight": w["attention_norm.scale"],
        "norm1.bias": w["attention_norm.shift"],
        "norm2.weight": w["output_norm.scale"],
        "norm2.bias": w["output_norm.shift"],
    }
    mask = torch.nn.Transformer.generate_square_subsequent_mask(x.shape[1], dtype=x.dtype)
    options = {"src_mask": mask, "is_causal": True} if layer.causal else {}
    return torch.func.functional_call(module, given, (x,), options)


def batch_norm(w: Weights, x: Tensor) -> Tensor:
    return last(
        F.batch_norm(first(x), w["mean"], w["variance"], w["scale"], w["shift"], True, momentum=0.1)
    )


def layer_norm(w: Weights, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], w["scale"], w["shift"])


def sinusoidal(w: Weights, x: Tensor) -> Tensor:
    _, steps, units = x.shape
    place = torch.arange(steps, dtype=torch.float64)[:, None]
    angle = place / 10_000.0 ** (torch.arange(0, units, 2, dtype=torch.float64) / units)
    return x + torch.stack([angle.sin(), angle.cos()], -1).reshape(steps, units).to(x.dtype)


PRE = TransformerBlock(2, 5)
POST = TransformerBlock(2, 5, norm="post", causal=True, activation="relu")
ORACLES = (
    Oracle(Dense(3), (4,), dense),
    Oracle(Dense(3, "tanh", use_bias=False), (2, 3, 4), lambda w, x: torch.tanh(dense(w, x))),
    Oracle(ActivationLayer("silu"), (3,), lambda w, x: F.silu(x)),
    Oracle(Dropout(0.0), (3,), lambda w, x: F.dropout(x, 0.0)),
    Oracle(LayerNorm(), (5,), layer_norm),
    Oracle(LayerNorm(), (2, 3, 5), layer_norm),
    Oracle(BatchNorm(), (5,), batch_norm),
    Oracle(BatchNorm(), (3, 2, 5), batch_norm),
    Oracle(
        Residual((Dense(3, "tanh"), Dense(4))),
        (4,),
        lambda w, x: x + dense(w, torch.tanh(dense(w, x, "dense_1.")), "dense_2."),
    ),
    Oracle(
        Features(("x1", "x2^2", "x1*x3", "sin(2*x1)", "cos(x3)")),
        (3,),
        lambda w, x: torch.stack(
            [x[:, 0], x[:, 1] ** 2, x[:, 0] * x[:, 2], (2 * x[:, 0]).sin(), x[:, 2].cos()], -1
        ),
    ),
    Oracle(Flatten(), (2, 3), lambda w, x: torch.flatten(x, 1)),
    Oracle(Reshape((3, -1)), (2, 6), lambda w, x: x.reshape(-1, 3, 4)),
    Oracle(Conv1d(3, 2), (5, 2), lambda w, x: conv(w, x, 1)),
    Oracle(
        Conv1d(2, 3, stride=2, padding="same", activation="tanh"),
        (7, 2),
        lambda w, x: torch.tanh(conv(w, x, 1, stride=2, padding=1)),
    ),
    Oracle(Conv2d(3, 2), (4, 5, 2), lambda w, x: conv(w, x, 2)),
    Oracle(
        Conv2d(2, (3, 1), stride=(2, 1), use_bias=False),
        (5, 4, 3),
        lambda w, x: conv(w, x, 2, stride=(2, 1)),
    ),
    Oracle(Conv2d(2, 3, padding="same"), (4, 4, 1), lambda w, x: conv(w, x, 2, padding="same")),
    # One row and column of zeros too many for both sides alike: it stands at the end.
    Oracle(
        Conv2d(2, 3, stride=2, padding="same", activation="softplus"),
        (6, 6, 2),
        lambda w, x: F.softplus(conv(w, same(x, 0, 1), 2, stride=2)),
    ),
    Oracle(MaxPool1d(), (7, 2), lambda w, x: last(F.max_pool1d(first(x), 2))),
    Oracle(AveragePool1d(3, 2), (8, 2), lambda w, x: last(F.avg_pool1d(first(x), 3, 2))),
    Oracle(MaxPool2d(3, 2), (6, 7, 2), lambda w, x: last(F.max_pool2d(first(x), 3, 2))),
    Oracle(AveragePool2d((2, 3)), (5, 6, 2), lambda w, x: last(F.avg_pool2d(first(x), (2, 3)))),
    Oracle(GlobalMaxPool(), (3, 4, 2), lambda w, x: F.adaptive_max_pool2d(first(x), 1)[..., 0, 0]),
    Oracle(GlobalAveragePool(), (5, 2), lambda w, x: F.adaptive_avg_pool1d(first(x), 1)[..., 0]),
    Oracle(Embedding(6, 3), (4,), lambda w, x: F.embedding(x.long(), w["weight"])),
    Oracle(PositionalEncoding(), (5, 4), sinusoidal),
    Oracle(PositionalEncoding("learned"), (5, 3), lambda w, x: x + w["position"]),
    Oracle(
        Rnn(3),
        (4, 2),
        lambda w, x: recurrent(torch.nn.RNN(2, 3, batch_first=True), w, x, [0], 3)[:, -1],
    ),
    Oracle(
        Lstm(3, return_sequences=True),
        (4, 2),
        lambda w, x: recurrent(torch.nn.LSTM(2, 3, batch_first=True), w, x, [0, 1, 3, 2], 3),
    ),
    Oracle(
        Lstm(2),
        (5, 3),
        lambda w, x: recurrent(torch.nn.LSTM(3, 2, batch_first=True), w, x, [0, 1, 3, 2], 2)[:, -1],
    ),
    Oracle(Gru(3, return_sequences=True), (4, 2), lambda w, x: gru(w, x, 3)),
    Oracle(Gru(3), (4, 2), lambda w, x: gru(w, x, 3)[:, -1]),
    Oracle(AdditiveAttention(3), (4, 2), additive_attention),
    Oracle(MultiHeadAttention(2), (3, 4), lambda w, x: attention(w, x, x, 2, False)),
    Oracle(MultiHeadAttention(1, causal=True), (4, 3), lambda w, x: attention(w, x, x, 1, True)),
    Oracle(
        replace(MultiHeadAttention(2), input=("first", "second")),
        (3, 4),
        lambda w, x, memory: attention(w, x, memory, 2, False),
    ),
    Oracle(PRE, (3, 4), lambda w, x: transformer_block(w, x, PRE)),
    Oracle(POST, (3, 4), lambda w, x: transformer_block(w, x, POST)),
    Oracle(Concatenate(), (2, 3), lambda w, x, y: torch.cat([x, y], -1)),
    Oracle(Add(), (2, 3), lambda w, x, y: x + y),
    Oracle(Slice(1, 3), (4, 2), lambda w, x: x[:, 1:3]),
)


def built(oracle: Oracle) -> tuple[Network, Peer, tuple[int, ...]]:
    """A network in which what the layer is given is learned as well, and its peer."""
    layer = replace(oracle.layer, name="layer")
    features = oracle.input_shape[-1]
    if isinstance(layer, Embedding):
        return (
            Network(oracle.input_shape, (layer,)),
            Peer(lambda x, w: oracle.compute(of_layer(w), x), F.mse_loss),
            oracle.input_shape,
        )
    before = Dense(features, initializer="lecun_normal")
    if layer.inputs[0] == 2 or layer.input is not None:
        layers = (
            replace(before, name="first", input="input"),
            replace(before, name="second", input="input"),
            replace(layer, input=("first", "second")),
        )

        def two(x: Tensor, w: Weights) -> Tensor:
            return oracle.compute(of_layer(w), dense(w, x, "first."), dense(w, x, "second."))

        return Network(oracle.input_shape, layers), Peer(two, F.mse_loss), oracle.input_shape

    def single(x: Tensor, w: Weights) -> Tensor:
        return oracle.compute(of_layer(w), dense(w, x, "first."))

    layers_of_one = (replace(before, name="first"), layer)
    return Network(oracle.input_shape, layers_of_one), Peer(single, F.mse_loss), oracle.input_shape


def of_layer(w: Weights) -> Weights:
    return {name.removeprefix("layer."): tensor for name, tensor in w.items()}


def samples(network: Network) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    shape = (SAMPLES, *network.input_shape)
    inputs = rng.normal(size=shape)
    if isinstance(network.layers[0], Embedding):
        inputs = rng.integers(network.layers[0].vocabulary, size=shape).astype(float)
    return inputs, rng.normal(size=(SAMPLES, *network.output_shape))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.label)
def test_outputs_and_gradients_are_those_of_pytorch(oracle: Oracle, dtype: str) -> None:
    network, peer, _ = built(oracle)
    check_gradient(network, "mse", *samples(network), peer, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.label)
def test_twenty_steps_lead_where_those_of_pytorch_lead(oracle: Oracle, dtype: str) -> None:
    network, peer, _ = built(oracle)
    check_training(network, "mse", *samples(network), peer, dtype)


@pytest.mark.parametrize("frozen", ["first", "second", "layer"])
@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.label)
def test_frozen_layers_do_what_parameters_without_a_gradient_do(
    oracle: Oracle, frozen: str
) -> None:
    network, peer, _ = built(oracle)
    learning = {name.partition(".")[0] for name in network.learned}
    if frozen not in learning or learning == {frozen}:
        return
    if isinstance(oracle.layer, BatchNorm) and frozen == "layer":
        # As `eval()` of the module, which is what freezes its statistics in PyTorch.
        peer = replace(peer, forward=lambda x, w: frozen_batch_norm(w, dense(w, x, "first.")))
    network = replace(network, frozen=(frozen,))
    check_gradient(network, "mse", *samples(network), peer, "float64")
    check_training(network, "mse", *samples(network), peer, "float64")


def frozen_batch_norm(w: Weights, x: Tensor) -> Tensor:
    mean, variance, scale, shift = (
        w[f"layer.{name}"] for name in ("mean", "variance", "scale", "shift")
    )
    return last(F.batch_norm(first(x), mean, variance, scale, shift, training=False))


def test_every_layer_has_an_oracle() -> None:
    assert {oracle.layer.type for oracle in ORACLES} == set(LAYERS)
