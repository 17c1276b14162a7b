"""How the exports spell layers that read sequences: tokens, recurrence, attention."""

from __future__ import annotations

import numpy as np

from ..model.activations import ACTIVATIONS
from ..model.layers import LayerNorm
from ..model.layers.tokens import sinusoids
from ._program import Line
from ._spelling import (
    Module,
    Spelling,
    Weights,
    norm_state,
    numpy_call,
    numpy_masks,
    numpy_weight,
    numpy_weights,
    onnx_activated,
    onnx_layer_norm,
    onnx_linear,
    onnx_weight,
    pytorch_call,
    pytorch_module,
    transposed,
)
from .onnx_graph import Axes, Graph

# ---------------------------------------------------------------- tokens and positions


def _onnx_embedding(graph: Graph, line: Line, inputs: list[str]) -> str:
    last = line.layer.vocabulary - 1
    bounds = (graph.constant(f"token_{bound}", bound, "int64") for bound in (0, last))
    tokens = graph.apply("Clip", graph.cast(inputs[0], "int64"), *bounds)
    return graph.apply("Gather", onnx_weight(graph, line, "weight"), tokens)


def _numpy_positions(line: Line) -> str:
    learned = line.layer.kind == "learned"
    positions = numpy_weight(line, "position") if learned else numpy_call("sinusoids", line.x)
    return f"{line.x} + {positions}"


def _pytorch_positions(line: Line) -> str:
    learned = line.layer.kind == "learned"
    return f"{line.x} + " + (pytorch_module(line) if learned else f"sinusoids({line.x})")


def _onnx_positions(graph: Graph, line: Line, inputs: list[str]) -> str:
    if line.layer.kind == "learned":
        return graph.apply("Add", *inputs, onnx_weight(graph, line, "position"))
    positions = graph.constant(f"{line.name}.position", sinusoids(*line.output.shape))
    return graph.apply("Add", *inputs, positions)


# ---------------------------------------------------------------- recurrence


def _recurrent(numpy: str, pytorch: Module, onnx: str, onnx_gates: tuple[int, ...]) -> Spelling:
    """Return the spelling of a recurrent layer. `onnx_gates` are our gates in ONNX's order."""

    def in_numpy(line: Line) -> str:
        weights = (numpy_weight(line, name) for name in ("weight", "recurrent", "bias"))
        states = numpy_call(numpy, line.x, *weights)
        return states if line.layer.return_sequences else f"{states}[:, -1]"

    def in_onnx(graph: Graph, line: Line, inputs: list[str]) -> str:
        arrays = {}
        for name in ("weight", "recurrent", "bias"):
            parts = np.split(graph.weights[f"{line.name}.{name}"].T, len(onnx_gates))
            arrays[name] = np.concatenate([parts[gate] for gate in onnx_gates])[None]
        # ONNX adds a second bias to the first.
        arrays["bias"] = np.concatenate([arrays["bias"], 0.0 * arrays["bias"]], axis=1)
        all_states = line.layer.return_sequences
        states = graph.apply(
            onnx,
            graph.permute(inputs[0], (1, 0, 2)),
            *(graph.constant(f"{line.name}.{name}", array) for name, array in arrays.items()),
            hidden_size=line.layer.units,
            output=0 if all_states else 1,
        )
        # The shape for one direction: (time steps, 1, n, units), or (1, n, units) for the last
        # state.
        states = graph.apply("Squeeze", states, graph.integers(1 if all_states else 0))
        return graph.permute(states, (1, 0, 2)) if all_states else states

    return Spelling(in_numpy, pytorch, in_onnx)


def _pytorch_recurrent(module: str, gates: tuple[int, ...]) -> Module:
    """Return a module of torch.nn. `gates` are our gates in PyTorch's order."""

    def create(line: Line, w: Weights) -> str:
        return f"nn.{module}({len(w['weight'])}, {len(w['recurrent'])}, batch_first=True)"

    def state(w: Weights) -> Weights:
        rows = {
            name: np.concatenate([np.split(array.T, len(gates))[gate] for gate in gates])
            for name, array in w.items()
        }
        return {
            "weight_ih_l0": rows["weight"],
            "weight_hh_l0": rows["recurrent"],
            "bias_ih_l0": rows["bias"],
            # PyTorch adds a second bias to the first.
            "bias_hh_l0": np.zeros_like(rows["bias"]),
        }

    return Module(_pytorch_states, create, state)


def _pytorch_states(line: Line) -> str:
    return f"{pytorch_call(line)}[0]" + ("" if line.layer.return_sequences else "[:, -1]")


def _pytorch_gru_state(w: Weights) -> Weights:
    gates = 2 * len(w["recurrent"])
    return {
        "inflow.weight": w["weight"].T,
        "inflow.bias": w["bias"],
        "gates.weight": w["recurrent"].T[:gates],
        "candidate.weight": w["recurrent"].T[gates:],
    }


# ---------------------------------------------------------------- attention


def _pytorch_additive_attention(line: Line, w: Weights) -> str:
    query, memory = (value.shape[-1] for value in line.inputs)
    return f"AdditiveAttention({query}, {memory}, {line.layer.units})"


def _onnx_additive_attention(graph: Graph, line: Line, inputs: list[str]) -> str:
    query, memory = inputs
    queries = graph.apply("Unsqueeze", onnx_linear(graph, line, query, "query."), graph.integers(2))
    keys = graph.apply("Unsqueeze", onnx_linear(graph, line, memory, "memory."), graph.integers(1))
    hidden = graph.apply("Tanh", graph.apply("Add", queries, keys))
    scores = graph.apply("Squeeze", onnx_linear(graph, line, hidden, "score."), graph.integers(3))
    return graph.apply("MatMul", graph.apply("Softmax", scores, axis=-1), memory)


def _numpy_attention(line: Line) -> str:
    query, memory = line.variables[0], line.variables[-1]
    details = {"heads": line.layer.heads, "causal": line.layer.causal}
    return numpy_call("multi_head_attention", query, memory, numpy_weights(line), **details)


def _pytorch_attention(line: Line, w: Weights) -> str:
    query, memory = line.inputs[0].shape[-1], line.inputs[-1].shape[-1]
    return f"Attention({query}, {memory}, heads={line.layer.heads}, causal={line.layer.causal})"


def _onnx_attention(graph: Graph, line: Line, query: str, memory: str, part: str = "") -> str:
    """Return the output of multi-head attention with the parameters of a part."""
    length, features = line.output.shape
    head_size = features // line.layer.heads

    def by_head(x: str, name: str, axes: Axes) -> str:
        projected = onnx_linear(graph, line, x, f"{part}{name}.")
        shape = graph.integers(0, 0, line.layer.heads, head_size)
        return graph.permute(graph.apply("Reshape", projected, shape), axes)

    queries = by_head(query, "query", (0, 2, 1, 3))
    keys, values = by_head(memory, "key", (0, 2, 3, 1)), by_head(memory, "value", (0, 2, 1, 3))
    scale = graph.constant(f"{line.name}.scale", head_size**-0.5)
    scores = graph.apply("Mul", graph.apply("MatMul", queries, keys), scale)
    if line.layer.causal:
        later = np.triu(np.full((length, length), -np.inf), 1)
        scores = graph.apply("Add", scores, graph.constant(f"{line.name}.later", later))
    attended = graph.apply("MatMul", graph.apply("Softmax", scores, axis=-1), values)
    attended = graph.permute(attended, (0, 2, 1, 3))
    merged = graph.apply("Reshape", attended, graph.integers(0, 0, features))
    return onnx_linear(graph, line, merged, f"{part}output.")


def _numpy_transformer_block(line: Line, *masks: str) -> str:
    layer = line.layer
    return numpy_call(
        "transformer_block",
        line.x,
        numpy_weights(line),
        f"activation={layer.activation}",
        *masks,
        heads=layer.heads,
        causal=layer.causal,
        norm=layer.norm,
        epsilon=LayerNorm().epsilon,
    )


def _pytorch_transformer_block(line: Line, w: Weights) -> str:
    layer = line.layer
    names = ("heads", "hidden", "norm", "causal", "dropout")
    details = ", ".join(f"{name}={getattr(layer, name)!r}" for name in names)
    activation = ACTIVATIONS[layer.activation].pytorch
    if activation.endswith("({x})"):
        activation = activation.removesuffix("({x})")
    else:
        activation = f"lambda x: {activation.format(x='x')}"
    return f"TransformerBlock({line.output.shape[-1]}, {details}, activation={activation})"


def _onnx_transformer_block(graph: Graph, line: Line, inputs: list[str]) -> str:
    def norm(x: str, part: str) -> str:
        return onnx_layer_norm(graph, line, x, LayerNorm().epsilon, f"{part}.")

    def attend(x: str) -> str:
        return _onnx_attention(graph, line, x, x, "attention.")

    def feed_forward(x: str) -> str:
        hidden = onnx_activated(graph, line, onnx_linear(graph, line, x, "hidden."))
        return onnx_linear(graph, line, hidden, "output.")

    (x,) = inputs
    if line.layer.norm == "pre":
        x = graph.apply("Add", x, attend(norm(x, "attention_norm")))
        return graph.apply("Add", x, feed_forward(norm(x, "output_norm")))
    x = norm(graph.apply("Add", x, attend(x)), "attention_norm")
    return norm(graph.apply("Add", x, feed_forward(x)), "output_norm")


SPELLINGS: dict[str, Spelling] = {
    "embedding": Spelling(
        numpy=lambda line: numpy_call("embedding", line.x, numpy_weight(line, "weight")),
        pytorch=Module(
            lambda line: (
                f"{pytorch_module(line)}({line.x}.long().clamp(0, {line.layer.vocabulary - 1}))"
            ),
            lambda line, w: "nn.Embedding({}, {})".format(*w["weight"].shape),
        ),
        onnx=_onnx_embedding,
    ),
    "positional_encoding": Spelling(
        numpy=_numpy_positions,
        pytorch=Module(
            _pytorch_positions,
            lambda line, w: "nn.Parameter(torch.empty{})".format(w["position"].shape) if w else "",
            lambda w: {"": w["position"]} if w else w,
        ),
        onnx=_onnx_positions,
    ),
    "rnn": _recurrent("rnn", _pytorch_recurrent("RNN", (0,)), "RNN", (0,)),
    # Our gates are input, forget, output, candidate.
    "lstm": _recurrent("lstm", _pytorch_recurrent("LSTM", (0, 1, 3, 2)), "LSTM", (0, 2, 1, 3)),
    "gru": _recurrent(
        "gru",
        Module(
            _pytorch_states,
            lambda line, w: f"Gru({len(w['weight'])}, {len(w['recurrent'])})",
            _pytorch_gru_state,
        ),
        "GRU",
        (0, 1, 2),
    ),
    "additive_attention": Spelling(
        numpy=lambda line: numpy_call("additive_attention", *line.variables, numpy_weights(line)),
        pytorch=Module(pytorch_call, _pytorch_additive_attention, transposed),
        onnx=_onnx_additive_attention,
    ),
    "multi_head_attention": Spelling(
        numpy=_numpy_attention,
        pytorch=Module(
            lambda line: f"{pytorch_module(line)}({line.variables[0]}, {line.variables[-1]})",
            _pytorch_attention,
            transposed,
        ),
        onnx=lambda graph, line, inputs: _onnx_attention(graph, line, inputs[0], inputs[-1]),
    ),
    "transformer_block": Spelling(
        numpy=_numpy_transformer_block,
        pytorch=Module(
            pytorch_call, _pytorch_transformer_block, lambda w: norm_state(transposed(w))
        ),
        onnx=_onnx_transformer_block,
        numpy_training=lambda line, training: _numpy_transformer_block(
            line, f"masks={numpy_masks(line)}"
        ),
    ),
}
