"""The page computes forward passes and neurons itself: as the service does."""

import base64
import shutil
import subprocess
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page
from safetensors.numpy import load
from tests.browser.conftest import ROOT, ask, call
from tests.browser.test_write import train

from epochal_engine.model.activations import ACTIVATIONS

SIDE = 100
"""Points along each side of a map: 10,000 in all."""
CLOSE = 1e-5
"""Largest difference, relative to the largest output of a unit. Predictions have six digits."""
ROUNDED = 1e-3
"""Largest difference of a map, relative to its range: its numbers are rounded."""

CLASSES = {"dataset": {"name": "blobs", "samples": 120}, "loss": "cross_entropy"}
POINTS = {"dataset": {"name": "spiral", "samples": 120}, "loss": "binary_cross_entropy"}

FORWARD = """async ([network, arrays, inputs, rows]) => {
  const floats = (text) =>
    new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer)
  const parameters = new Map(Object.entries(arrays).map(([name, text]) => [name, floats(text)]))
  return page.forward(network, parameters, floats(inputs), rows).map((outputs) => {
    const bytes = new Uint8Array(outputs.buffer)
    let text = ''
    for (let i = 0; i < bytes.length; i += 8192)
      text += String.fromCharCode(...bytes.subarray(i, i + 8192))
    return btoa(text)
  })
}"""


def dense(units: int, activation: str = "linear", **fields: Any) -> dict[str, Any]:
    return {"type": "dense", "units": units, "activation": activation, **fields}


JOBS: dict[str, dict[str, Any]] = {
    "bounded": {
        **POINTS,
        "network": {
            "input_shape": [2],
            "layers": [
                dense(8, "tanh"),
                dense(8, "softsign"),
                dense(8, "step"),
                dense(1, "sigmoid"),
            ],
        },
    },
    "rectified": {
        **CLASSES,
        "dataset": {"name": "blobs", "samples": 120, "scaling": "standard"},
        "network": {
            "input_shape": [2],
            "layers": [
                dense(8, "relu"),
                dense(8, "leaky_relu", use_bias=False),
                {"type": "dropout", "rate": 0.2},
                dense(8, "softplus"),
                dense(8, "linear", name="middle"),
                dense(3, "softmax"),
            ],
        },
    },
    "exponential": {
        **POINTS,
        "dataset": {"name": "spiral", "samples": 120, "scaling": "minmax"},
        "network": {
            "input_shape": [2],
            "layers": [
                dense(8),
                {"type": "batch_norm"},
                {"type": "activation", "activation": "elu"},
                dense(8, "selu"),
                {"type": "layer_norm"},
                dense(8, "mish"),
                dense(1, "sigmoid"),
            ],
        },
    },
    "smooth": {
        "dataset": {
            "inputs": [[x, x * x % 3] for x in range(20)],
            "targets": [[50.0 + 9 * x] for x in range(20)],
        },
        "loss": "mse",
        "target_scaling": "standardize",
        "network": {
            "input_shape": [2],
            "layers": [dense(8, "gelu"), dense(8, "gelu_tanh"), dense(8, "silu"), dense(1)],
        },
    },
}


class Bundle(Protocol):
    def __call__(self, path: str) -> Page: ...


@pytest.fixture(scope="module")
def bundle(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Opens a page with the functions of a file of the page's source, as `page`."""

    def opened(path: str) -> Page:
        script = tmp_path_factory.mktemp("bundle") / "functions.js"
        command = [_node(), "node_modules/rolldown/bin/cli.mjs", f"src/{path}"]
        command += ["--format", "iife", "--name", "page", "--file", str(script)]
        subprocess.run(command, cwd=ROOT / "clients/web", check=True, capture_output=True)
        page = chromium.new_page()
        page.add_script_tag(path=script)
        return page

    return opened


@pytest.fixture(scope="module")
def forward(bundle: Bundle) -> Page:
    return bundle("bench/forward.ts")


def _node() -> str:
    path = shutil.which("node", path=f"{ROOT}/.venv/bin") or shutil.which("node")
    assert path is not None
    return path


def packed(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()


def unpacked(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(SIDE * SIDE, -1)


@pytest.mark.parametrize("spec", JOBS.values(), ids=JOBS)
def test_every_unit_has_the_output_of_the_service(
    url: str, forward: Page, spec: dict[str, Any]
) -> None:
    job = train(url, {**spec, "epochs": 20, "seed": 1})
    [*_, last] = ask(url, f"/v1/jobs/{job}/checkpoints")["checkpoints"]
    arrays = load(call(url, f"/v1/jobs/{job}/checkpoints/{last['epoch']}").content)
    maps = ask(url, f"/v1/jobs/{job}/unit-maps", {"resolution": SIDE, "epoch": last["epoch"]})
    points = np.stack([np.tile(maps["x"], SIDE), np.repeat(maps["y"], SIDE)], axis=1)
    given = {name: packed(array) for name, array in arrays.items()}
    network = ask(url, f"/v1/jobs/{job}")["spec"]["network"]
    outputs = forward.evaluate(FORWARD, [network, given, packed(points), len(points)])
    names = [
        layer.get("name") or f"{layer['type']}_{i + 1}" for i, layer in enumerate(network["layers"])
    ]
    computed = dict(zip(names, map(unpacked, outputs), strict=True))
    for layer in maps["layers"]:
        expected = np.array(layer["units"]).T
        assert np.ptp(expected) > 0
        difference = np.abs(computed[layer["name"]] - expected)
        assert difference.max() <= ROUNDED * np.ptp(expected), layer["name"]
    inputs = {"inputs": points.tolist(), "epoch": last["epoch"]}
    exact = np.array(ask(url, f"/v1/jobs/{job}/predict", inputs)["outputs"])
    difference = np.abs(computed[names[-1]] - exact) / np.abs(exact).max(0)
    assert difference.max() <= CLOSE


def test_all_activations_of_the_service_are_compared() -> None:
    layers = [layer for spec in JOBS.values() for layer in spec["network"]["layers"]]
    assert {layer["activation"] for layer in layers if "activation" in layer} == set(ACTIVATIONS)


def numbers(reply: Any) -> Any:
    """The numbers of a reply that a draft has, too."""
    if isinstance(reply, list):
        return [numbers(part) for part in reply]
    if not isinstance(reply, dict):
        return reply
    late = ("formula", "substituted", "verdict", "statistics", "flops")
    return {name: numbers(part) for name, part in reply.items() if name not in late}


def same(draft: Any, reply: Any) -> None:
    if isinstance(reply, dict):
        assert draft.keys() == reply.keys()
        draft, reply = list(draft.values()), [reply[name] for name in draft]
    if isinstance(reply, list):
        for computed, replied in zip(draft, reply, strict=True):
            same(computed, replied)
    else:
        assert draft == (reply if isinstance(reply, str) else pytest.approx(reply, 1e-6, 1e-9))


def neurons(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "inputs": rng.normal(size=3).tolist(),
        "weights": rng.normal(size=3).tolist(),
        "bias": rng.normal(),
    }


def passes(rng: np.random.Generator) -> dict[str, Any]:
    sizes, hidden = [3, 4, 4, 2], str(rng.choice(["relu", "tanh", "gelu", "silu"]))
    layers = [dense(units, hidden) for units in sizes[1:-1]] + [dense(sizes[-1], "softmax")]
    return {
        "network": {"input_shape": sizes[:1], "layers": layers},
        "input": rng.normal(size=3).tolist(),
        "weights": [
            {
                "layer": f"dense_{i + 1}",
                "weight": rng.normal(size=sizes[i : i + 2]).tolist(),
                "bias": rng.normal(size=sizes[i + 1]).tolist(),
            }
            for i in range(3)
        ],
    }


@pytest.mark.parametrize(
    ("section", "method", "drawn"),
    [("02-neuron", "neuron", neurons), ("05-forward", "forward", passes)],
)
def test_a_draft_has_the_numbers_of_the_reply(
    url: str,
    bundle: Bundle,
    section: str,
    method: str,
    drawn: Callable[[np.random.Generator], dict[str, Any]],
) -> None:
    page, rng = bundle(f"sections/{section}/draft.ts"), np.random.default_rng(1)
    last = None
    for request in [drawn(rng) for _ in range(20)]:
        reply = ask(url, f"/course/v1/simulate/{method}", request)
        if last is not None:
            draft = page.evaluate("([last, request]) => page.draft(last, request)", [last, request])
            same(numbers(draft), numbers(reply))
        last = reply
