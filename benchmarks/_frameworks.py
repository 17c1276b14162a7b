"""The same networks in other frameworks, each trained in that framework's usual way.

Each function returns microseconds of processor time per step, without compilation. It raises
ImportError if its framework is missing, and NotImplementedError for an unsupported network.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import warnings
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from benchmarks._cases import BINARY, Case

from epochal_engine import (
    Conv2d,
    Data,
    Dense,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    MaxPool2d,
    Network,
    PositionalEncoding,
    TransformerBlock,
)


def pytorch_module(torch: Any, network: Network) -> Any:
    """Return the same network in PyTorch, up to its logits."""
    nn = torch.nn
    functional = nn.functional
    activations = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU}

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, layer: TransformerBlock, features: int) -> None:
            super().__init__()
            self.heads = layer.heads
            self.before, self.between = nn.LayerNorm(features), nn.LayerNorm(features)
            self.look = nn.Linear(features, 3 * features)
            self.project = nn.Linear(features, features)
            self.think = nn.Sequential(
                nn.Linear(features, layer.hidden),
                activations[layer.activation](),
                nn.Linear(layer.hidden, features),
            )

        def forward(self, x: Any) -> Any:
            n, positions, features = x.shape
            query, key, value = (
                part.view(n, positions, self.heads, -1).transpose(1, 2)
                for part in self.look(self.before(x)).split(features, 2)
            )
            seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            x = x + self.project(seen.transpose(1, 2).reshape(n, positions, features))
            return x + self.think(self.between(x))

    class LearnedPositions(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, positions: int, features: int) -> None:
            super().__init__()
            self.table = nn.Parameter(torch.randn(positions, features))

        def forward(self, x: Any) -> Any:
            return x + self.table

    def modules(layer: Layer, shape: tuple[int, ...], is_last: bool) -> list[Any]:
        features = shape[-1]
        match layer:
            case Dense():
                linear = nn.Linear(features, layer.units)
                return [linear] if is_last else [linear, activations[layer.activation]()]
            case Conv2d():
                assert isinstance(layer.kernel_size, int)
                padding = layer.kernel_size // 2 if layer.padding == "same" else 0
                kernel = nn.Conv2d(features, layer.filters, layer.kernel_size, padding=padding)
                return [kernel, activations[layer.activation]()]
            case MaxPool2d():
                return [nn.MaxPool2d(layer.pool_size)]
            case Flatten():
                return [nn.Flatten()]
            case Embedding():
                return [nn.Embedding(layer.vocabulary, layer.units)]
            case PositionalEncoding():
                return [LearnedPositions(*shape)]
            case LayerNorm():
                return [nn.LayerNorm(features)]
            case TransformerBlock():
                return [Block(layer, features)]
        raise NotImplementedError(layer.type)

    last = len(network.layers) - 1
    pairs = zip(network.layers, network.shapes, strict=False)
    rest = [m for k, (layer, shape) in enumerate(pairs) for m in modules(layer, shape, k == last)]
    return nn.Sequential(*rest)


def train_with_pytorch(case: Case, data: Data, is_compiled: bool = False) -> float:
    """Run the eager loop, or the loop of `torch.compile`, for a tenth of the epochs."""
    torch = import_module("torch")
    torch.set_num_threads(1)
    model = pytorch_module(torch, case.network)
    functional, is_binary = torch.nn.functional, case.training.loss == BINARY
    loss = functional.binary_cross_entropy_with_logits if is_binary else functional.cross_entropy
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    kind = kinds[case.training.optimizer.type]
    optimizer = kind(model.parameters(), lr=case.training.optimizer.learning_rate)
    targets = torch.tensor(data.train_targets, dtype=torch.float32)
    if not is_binary:
        targets = targets.argmax(-1)
    is_read = isinstance(case.network.layers[0], Embedding)
    inputs = torch.tensor(data.train_inputs, dtype=torch.long if is_read else torch.float32)
    if inputs.ndim == 4:
        inputs = inputs.permute(0, 3, 1, 2).contiguous()  # channels first, as is its habit
    batch = case.training.batch_size or case.samples
    forward = torch.compile(model) if is_compiled else model

    def train(epochs: int) -> None:
        for _ in range(epochs):
            order = torch.randperm(case.samples)
            for first in range(0, case.samples, batch):
                rows = order[first : first + batch]
                optimizer.zero_grad()
                logits = forward(inputs[rows])
                if is_binary:
                    loss(logits, targets[rows]).backward()
                else:
                    loss(logits.flatten(0, -2), targets[rows].flatten()).backward()
                optimizer.step()

    if is_compiled:
        train(2)
    epochs = max(case.training.epochs // 10, 1)
    start = process_time()
    train(epochs)
    return _microseconds_a_step(case, start, epochs)


def train_with_compiled_pytorch(case: Case, data: Data) -> float:
    """Like `train_with_pytorch`; only for dense networks, because compilation takes so long."""
    _dense_layers(case)
    return train_with_pytorch(case, data, is_compiled=True)


def train_with_jax(case: Case, data: Data) -> float:
    """Compile a whole epoch: `lax.scan` over its batches, and Adam as in its paper."""
    jax = import_module("jax")
    jnp = jax.numpy
    layers = _dense_layers(case)
    rate, is_adam = case.training.optimizer.learning_rate, case.training.optimizer.type == "adam"
    functions = {"tanh": jnp.tanh, "relu": jax.nn.relu}
    sizes = [*case.network.input_shape, *(layer.units for layer in layers)]
    rng = np.random.default_rng(0)
    weights = [
        (rng.normal(0.0, 1.0 / math.sqrt(a), (a, b)).astype("f4"), np.zeros(b, "f4"))
        for a, b in pairwise(sizes)
    ]

    def loss(weights: Any, x: Any, y: Any) -> Any:
        for layer, (w, b) in zip(layers[:-1], weights, strict=False):
            x = functions[layer.activation](x @ w + b)
        w, b = weights[-1]
        z = x @ w + b
        if case.training.loss == BINARY:
            return (jnp.logaddexp(0.0, z) - y * z).mean()
        return -(y * jax.nn.log_softmax(z)).sum(-1).mean()

    def step(state: Any, rows: Any) -> Any:
        weights, m, v, t = state
        gradients = jax.grad(loss)(weights, inputs[rows], targets[rows])
        trees = jax.tree_util
        if not is_adam:
            return (trees.tree_map(lambda p, g: p - rate * g, weights, gradients), m, v, t), None
        t = t + 1.0
        m = trees.tree_map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
        v = trees.tree_map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
        pace = rate * jnp.sqrt(1.0 - 0.999**t) / (1.0 - 0.9**t)
        move = trees.tree_map(lambda p, m, v: p - pace * m / (jnp.sqrt(v) + 1e-8), weights, m, v)
        return (move, m, v, t), None

    inputs = jnp.asarray(data.train_inputs, "float32")
    targets = jnp.asarray(data.train_targets, "float32")
    batch = case.training.batch_size or case.samples
    steps = case.samples // batch
    epoch = jax.jit(lambda state, rows: jax.lax.scan(step, state, rows)[0])

    def rows() -> Any:
        return rng.permutation(case.samples)[: steps * batch].reshape(steps, batch)

    nothing = jax.tree_util.tree_map(np.zeros_like, weights)
    state = jax.block_until_ready(epoch((weights, nothing, nothing, np.float32(0.0)), rows()))
    start = process_time()
    for _ in range(case.training.epochs):
        state = epoch(state, rows())
    jax.block_until_ready(state)
    return _microseconds_a_step(case, start, case.training.epochs)


def train_with_scikit_learn(case: Case, data: Data) -> float:
    """Run `MLPClassifier` without early stopping, for a tenth of the epochs."""
    classifier = import_module("sklearn.neural_network").MLPClassifier
    exceptions = import_module("sklearn.exceptions")
    layers = _dense_layers(case)
    epochs = max(case.training.epochs // 10, 1)
    model = classifier(
        tuple(layer.units for layer in layers[:-1]),
        activation=layers[0].activation,
        solver=case.training.optimizer.type,
        alpha=0.0,
        batch_size=case.training.batch_size or case.samples,
        learning_rate_init=case.training.optimizer.learning_rate,
        momentum=0.0,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=epochs + 1,
    )
    targets = data.train_targets
    labels = targets.ravel() if targets.shape[1] == 1 else targets.argmax(-1)
    inputs = data.train_inputs.astype(np.float32)
    start = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        model.fit(inputs, labels)
    return _microseconds_a_step(case, start, epochs)


def train_in_node(case: Case, data: Data) -> float:
    """Run `playground.js`, one object per neuron, with the case's number of samples."""
    node = shutil.which("node")
    if node is None:
        raise ImportError("node is not installed")
    script = str(Path(__file__).with_name("playground.js"))
    numbers = case.samples, case.training.batch_size, case.training.epochs
    finished = subprocess.run(
        [node, script, *map(str, numbers)], check=True, capture_output=True, text=True
    )
    return float(finished.stdout)


def read_digits_with_pytorch(data: Data, seed: int, enough: float) -> float:
    """Return the seconds until the validation accuracy reaches `enough`, from the first import."""
    torch = import_module("torch")
    torch.set_num_threads(1)
    assert data.validation_inputs is not None
    assert data.validation_targets is not None
    start = process_time()
    torch.manual_seed(seed)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    inputs, validation_inputs = (
        torch.tensor(x, dtype=torch.float32) for x in (data.train_inputs, data.validation_inputs)
    )
    labels, expected = (
        torch.tensor(y).argmax(-1) for y in (data.train_targets, data.validation_targets)
    )
    for _ in range(200):
        order = torch.randperm(len(inputs))
        for first in range(0, len(inputs), 32):
            rows = order[first : first + 32]
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[rows]), labels[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            if float((model(validation_inputs).argmax(-1) == expected).float().mean()) >= enough:
                return process_time() - start
    raise RuntimeError("PyTorch did not learn to read")


def _dense_layers(case: Case) -> list[Dense]:
    layers = [layer for layer in case.network.layers if isinstance(layer, Dense)]
    if len(layers) < len(case.network.layers):
        raise NotImplementedError(case.name)
    return layers


def _microseconds_a_step(case: Case, start: float, epochs: int) -> float:
    batch = case.training.batch_size or case.samples
    return (process_time() - start) / (epochs * math.ceil(case.samples / batch)) * 1e6
