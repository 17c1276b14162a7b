"""A training run as a program that repeats it and compares every epoch with the stored curve.

The program is written for people: settings, layers, loss, optimizer and loop first, the numbers
last, in base 64. It is independent of the engine's code, which differentiates and fuses formulas.
"""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal

import numpy as np

from ...data.data import Data
from ...model.activations import ACTIVATIONS
from ...model.layers import LayerNorm
from ...model.losses import Binary, CrossEntropy, Loss, find_loss, is_floating
from ...model.metrics import answers_of
from ...model.network import Network
from ...model.predict import SAMPLES_AT_ONCE
from ...optimize.augmentation import Augmentation
from ...optimize.corruption import Corruption
from ...optimize.optimizers import OPTIMIZERS
from ...optimize.optimizers.muon import Muon, hidden_matrices
from ...symbolic.trace import Array
from ...training.loop import State
from ...training.masks import Mask, masks_of
from ...training.snapshots import STATISTICS, Gradients
from ...training.training import Training
from .._program import Line, Program, kernel, quoted, zeros_around
from .._sources import body_of, functions_of, included
from .._spelling import numpy_masks
from .._spellings import SPELLINGS
from . import _templates
from .source import Source, section_of

Library = Literal["numpy", "torch"]
_METRICS = (
    *("train_loss", "train_accuracy", "train_exact_match"),
    *("validation_loss", "validation_accuracy", "validation_exact_match"),
    *("learning_rate", "gradient_norm"),
)
_ORDER = {name: place for place, name in enumerate(_METRICS)}
COMPARED = STATISTICS[:7]
"""The statistics of a layer's parameters that a program computes."""
SHADOWS, SHADOWS_OF_STATES = 2, 1
"""How many pairs of runs with other rounding errors show how far these grow; known states show it,
too."""
LARGEST_ARRAYS = 50_000_000
"""Bytes of all arrays in a program."""


At = int | tuple[int, int]
"""An epoch, or an epoch and the number of steps in it."""
Contradiction = tuple[str, str, int]
"""The row and the value in the table of a program, and the first epoch that differs."""


class NoProgram(ValueError):
    """A run has no program: the message gives the reason and a remedy."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A training run: its initial state and its stored results."""

    name: str
    """The name of the run, such as the id of a job."""
    network: Network
    training: Training
    data: Data
    initial_weights: Mapping[str, Array]
    columns: Mapping[str, Array]
    """The metrics of the stored epochs, from epoch 1 on."""
    gradients: Gradients | None
    """The stored statistics of the gradients; None if there are none."""
    checkpoints: Mapping[int, Mapping[str, Array]]
    """The stored weights by epoch, of all epochs but 0."""
    states: Mapping[At, State]
    """The whole state after some of the epochs, or after a step within one, as the same training
    gave it when it was repeated. A program continues from them. Weights in `checkpoints` replace
    those of the same epoch."""
    omitted: int = 0
    """How many stored checkpoints are not here, because they are too many."""
    contradictions: Sequence[Contradiction] = ()
    """The stored numbers that differ from a repetition of the same training."""
    changes: Mapping[int, Training] = field(default_factory=dict)
    """Other settings from the end of an epoch on, by epoch and in order: `training` with another
    optimizer, batch size, schedule, regularization, clipping, shuffling or number of epochs."""
    networks: Mapping[int, Network] = field(default_factory=dict)
    """Another network with the same parameters from some of these epochs on."""
    source: Source | None = None
    """Where the data came from; None if a program cannot prepare it again."""
    ends: str = ""
    """Why the training continued after the last epoch that is here; empty if it did not."""


def training_numpy(recording: Recording) -> bytes:
    """Return a program that needs only NumPy, as UTF-8. Raises `NoProgram`."""
    return _Writer(recording, "numpy").program()


def training_pytorch(recording: Recording) -> bytes:
    """Return a program for PyTorch, which differentiates, as UTF-8. Raises `NoProgram`."""
    return _Writer(recording, "torch").program()


# ------------------------------------------------------------------------------------ included code


_SHARES = dict.fromkeys(("gelu", "gelu_tanh"), ", has_share=True")
"""Activations that are x times a share of 1."""


def _functions(library: Library, loss: Loss) -> dict[str, str]:
    """Return the functions that a program may include, by name and in order."""
    if library == "torch":
        activations = {a.name: a.pytorch_source for a in ACTIVATIONS.values()}
        return {
            **activations,
            **functions_of(_TORCH_LAYERS),
            loss.type: loss.source("pytorch"),
        }
    activations = {
        a.name: f"{a.numpy_source}\n\n{a.numpy_backward_source}\n\n"
        f"{a.name} = primitive({a.name}, {a.name}_backward{_SHARES.get(a.name, '')})\n"
        for a in ACTIVATIONS.values()
    }
    layers = {**functions_of("_functions.py"), **functions_of("training/_numpy_training.py")}
    return {**activations, **layers, loss.type: loss.source("numpy")}


# -------------------------------------------------------------------------------------- the network

_TORCH_LAYERS = "training/_torch_layers.py"
_TORCH_FUNCTIONS = {
    "activation": "apply_activation",
    "flatten": "reshape",
    "slice": "cut",
    "conv1d": "convolution",
    "conv2d": "convolution",
    "max_pool1d": "max_pool",
    "max_pool2d": "max_pool",
    "average_pool1d": "average_pool",
    "average_pool2d": "average_pool",
}
"""The function in PyTorch of each type of layer that is not named after it."""


_ARGUMENTS: dict[str, Callable[[Line], str]] = {
    "activation": lambda line: line.layer.activation,
    "epsilon": lambda line: repr(getattr(line.layer, "epsilon", LayerNorm().epsilon)),
    "masks": numpy_masks,
    "parsed": lambda line: repr([tuple(term) for term in line.layer.parsed]),
    "shape": lambda line: repr(line.output.shape),
    "size": lambda line: repr(kernel(line.layer)[0]),
    "stride": lambda line: repr(kernel(line.layer)[1]),
    "zeros": lambda line: repr(zeros_around(line)),
}
"""Expressions for the parameters of a PyTorch function that are not fields of the layer."""


def _torch_call(line: Line, training: str) -> str:
    """Return the call of the function of the line: its inputs, its weights `w`, and keywords.

    Raises `NoProgram` if there is none.
    """
    kind: str = line.layer.type
    name = _TORCH_FUNCTIONS.get(kind, kind)
    source = functions_of(_TORCH_LAYERS).get(name)
    if source is None:
        raise NoProgram(f"the layer {kind} has no function in PyTorch: choose training_numpy")
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    names = [argument.arg for argument in function.args.args]
    w = f"within(w, {quoted(line.name)})" if line.parameters else "{}"
    if "w" not in names:  # It takes any number of inputs.
        return f"{name}({', '.join(line.variables)}, w={w})"
    inputs, keywords = names[: names.index("w")], names[names.index("w") + 1 :]
    variables = [line.variables[0], line.variables[-1]][: len(inputs)]
    texts = {
        keyword: _ARGUMENTS[keyword](line)
        if keyword in _ARGUMENTS
        else training
        if keyword == "training"
        else repr(getattr(line.layer, keyword))
        for keyword in keywords
    }
    return f"{name}({', '.join([*variables, w, *(f'{k}={text}' for k, text in texts.items())])})"


def _numpy_call(line: Line, training: str) -> str:
    spelling = SPELLINGS[line.layer.type]
    if spelling.numpy_training is not None:
        return spelling.numpy_training(line, training)
    return spelling.numpy(line)


def _without_output_activation(network: Network, activation: str | None) -> Network:
    """Return the network without the activation that belongs to the loss: it gives logits."""
    if activation is None:
        return network
    *layers, last = network.layers
    return replace(network, layers=(*layers, replace(last, activation="linear")))  # type: ignore[call-arg]


# --------------------------------------------------------------------------------------- the writer


class _Writer:
    """The parts of one program."""

    def __init__(self, recording: Recording, library: Library) -> None:
        self._recording, self._library = recording, library
        self._training, self._data = recording.training, recording.data
        self._settings = {0: recording.training, **recording.changes}
        self._is_torch = library == "torch"
        self._double = ".double()" if self._is_torch else ".astype(np.float64)"
        self._loss = find_loss(self._training.loss)
        self._weights = {
            part: answers.weights for part, answers in answers_of(self._loss, self._data).items()
        }
        self._functions = _functions(library, self._loss)
        self._steps = {f"{o.type}_step": o.step_source() for o in OPTIMIZERS.values()}

    def program(self) -> bytes:
        """Return the whole program."""
        data = self._numbers()
        network, loss = self._recording.network, self._loss_functions()
        forward = self._forward(network)
        draws = self._draws() + self._masks(network)
        step, rate = self._update(self._training), self._rate(0)
        changes, train = self._changes(), self._train()
        library_functions = included(forward + loss + changes, self._functions)
        optimizers = included(step + changes, self._steps)
        if self._is_torch:
            optimizers = optimizers.replace("np.", "torch.")
        sections = [
            *([] if self._is_torch else [("derivatives", "\n\n" + body_of("training/_tape.py"))]),
            ("layers and losses", library_functions),
            ("the network", forward),
            ("the loss", loss),
            (
                "random numbers",
                _templates.STREAMS + included(draws, functions_of("training/_draws.py")) + draws,
            ),
            ("the learning rate", rate),
            ("the optimizer", optimizers + step),
            *([("the changes", changes)] if changes else []),
            ("the training", train),
            ("the data set", section_of(self._recording.source)),
            ("the comparison", included(train + "main()", functions_of("training/_comparison.py"))),
            ("the numbers", data),
        ]
        body = "".join(
            _templates.SECTION.format(line="-" * (97 - len(title)), title=title) + text
            for title, text in sections
        )
        end = '\n\nif __name__ == "__main__":\n    main()\n'
        text = self._head() + body + end
        return re.sub(r"\n{4,}", "\n\n\n", text).encode()

    # -------------------------------------------------------------------------------------- parts

    def _head(self) -> str:
        training = self._training
        imports = "import numpy as np"
        if self._is_torch:
            imports += "\nimport torch\nimport torch.nn.functional as F"
        samples = len(self._data.train_inputs)
        return _templates.HEAD.format(
            name=self._recording.name,
            library="PyTorch" if self._is_torch else "NumPy alone",
            imports=imports,
            dtype=training.dtype,
            epochs=len(self._recording.columns["train_loss"]),
            planned=[*self._settings.values()][-1].epochs,
            ends=self._recording.ends,
            shadows=SHADOWS_OF_STATES if self._recording.states else SHADOWS,
            batch_size=training.samples_per_step(samples),
            seed=training.seed,
        )

    def _forward(self, network: Network) -> str:
        """Return the forward pass; a frozen batch norm uses and keeps its running statistics."""
        call = _torch_call if self._is_torch else _numpy_call
        logits = _without_output_activation(network, self._loss.output_activation)
        program = Program(logits, {*self._functions, *self._steps})
        lines = "".join(
            f"    {line.output.variable} = "
            f"{call(line, 'False' if network.is_frozen(line.name) else 'training')}\n"
            for line in program.lines
        )
        return (
            "\n\ndef forward(w, x, masks, training):\n"
            f'    """Return the logits."""\n{lines}    return {program.prediction}\n'
        )

    def _loss_functions(self) -> str:
        loss, targets = self._loss, self._data.train_targets
        xp, library = ("torch", True) if self._is_torch else ("np", False)
        has_labels = not is_floating(targets)
        text = ""
        if has_labels:
            text += _templates.ROWS.format(
                xp=xp,
                classes=self._recording.network.output_shape[-1],
                typed=".to(like)" if library else ".astype(like.dtype)",
            )
            rows = "rows(targets, logits)"
        else:
            rows = "targets.to(logits)" if library else "targets.astype(logits.dtype)"
        predictions = "targets.numel()" if library else "targets.size"
        count = predictions if has_labels else f"{predictions} // targets.shape[-1]"
        weights = ""
        if isinstance(loss, CrossEntropy) and loss.ignore_label is not None:
            counted = "(targets >= 0)" if has_labels else "targets.sum(-1)"
            count = f"max(float({counted}.sum()), 1.0)"
            weights = f" * {counted}"
        accuracy = ""
        if loss.has_accuracy:
            kind = "binary" if isinstance(loss, Binary) else "labels" if has_labels else "rows"
            correct = _templates.ACCURACY[kind].format(double=self._double)
            accuracy = (
                f"    correct = {correct}{weights}\n"
                '    measured["accuracy"] = float(correct.sum()) / count(targets)\n'
            )
            margin, moves, answers = _templates.MARGINS[kind]
            text += _templates.UNSURE.format(margin=margin, moves=moves, answers=answers)
            if len(self._recording.network.output_shape) > 1:
                ignored = f" | ({weights.removeprefix(' * ')} == 0)" if weights else ""
                accuracy += _templates.EXACT_MATCH.format(ignored=ignored, double=self._double)
        return text + _templates.LOSS.format(
            loss=loss.type,
            targets=rows,
            options="".join(f", {name}={value!r}" for name, value in loss.options.items()),
            count=count,
            and_accuracy=" and accuracy" if accuracy else "",
            double=self._double,
            weighting=""
            if self._no_weights
            else "    values = values if weights is None else values * weights\n",
            weights="" if self._no_weights else ", weights",
            and_weights="" if self._no_weights else _templates.AND_WEIGHTS,
            accuracy=accuracy,
        )

    def _draws(self) -> str:
        training = self._training
        text = self._order(training)
        calls = ""
        for change in training.augmentation:
            calls += f"        samples = {_change(change, change.type, 'samples')}\n"
        if training.corruption is not None:
            function = _CORRUPTIONS[training.corruption.type]
            call = _change(training.corruption, function, "samples, expected")
            calls += f"        samples, expected = {call}\n"
            text += _templates.CORRUPTED.format(block=SAMPLES_AT_ONCE, calls=calls)
        elif training.augmentation:
            text += _templates.AUGMENTED.format(block=SAMPLES_AT_ONCE, calls=calls)
        else:
            text += _templates.UNCHANGED
        return text

    def _masks(self, network: Network) -> str:
        by_path: dict[str, list[Mask]] = {}
        for mask in masks_of(network):
            by_path.setdefault(mask.path, []).append(mask)
        rows = "".join(
            f"        {quoted(path)}: [{', '.join(map(_drawn, masks))}],\n"
            for path, masks in by_path.items()
        )
        masks = f"{{\n{rows}    }}" if rows else "{}"
        return (
            "\n\ndef draw_masks(stream, n):\n"
            '    """Return the dropout masks of a step on n samples, by layer and in order."""\n'
            f"    return {masks}\n"
        )

    def _order(self, training: Training) -> str:
        is_shuffled = training.is_shuffled(len(self._data.train_inputs))
        return _templates.SHUFFLED if is_shuffled else _templates.IN_ORDER

    def _rate(self, start: int) -> str:
        """Return the learning rate by the settings from epoch `start` on."""
        training = self._settings[start]
        schedule = training.schedule
        body = _templates.RATES[schedule.type].format(
            base=repr(training.optimizer.learning_rate),
            planned=training.epochs,
            **{field.name: repr(getattr(schedule, field.name)) for field in fields(schedule)},
        )
        rule = schedule, training.optimizer.learning_rate
        for epoch in reversed([epoch for epoch in self._settings if epoch <= start]):
            former = self._settings[epoch]
            if (former.schedule, former.optimizer.learning_rate) != rule:
                break
            start = epoch
        if start > 0 and "losses" in body:
            body = f"    losses = losses[{start}:]  # since the rate was set\n{body}"
        has_validation = self._data.validation_inputs is not None
        used = (_templates.RATES[settings.schedule.type] for settings in self._settings.values())
        helper = _templates.HALF_COSINE if any("half_cosine" in text for text in used) else ""
        watched = "validation" if has_validation else "training"
        return helper + _templates.RATE.format(body=body, watched=watched)

    def _changes(self) -> str:
        """Return the settings by the epoch that they follow; empty if nothing changes."""
        if not self._recording.changes:
            return ""
        text, rows, former = "", "", self._training
        network = self._recording.network
        bodies, names = dict[str, str](), {}
        for epoch, training in self._settings.items():
            network = self._recording.networks.get(epoch, network)
            functions = self._order(training) + self._rate(epoch) + self._update(training)
            functions += self._forward(network) + self._masks(network)
            for name, body in _FUNCTION.findall(functions):
                if name in _CHANGING and body != bodies.get(name):
                    names[name] = f"{name}_after_{epoch}" if epoch > 0 else name
                    text += f"\n\ndef {names[name]}{body}\n" if epoch > 0 else ""
                    bodies[name] = body
            size = training.samples_per_step(len(self._data.train_inputs))
            is_same = type(training.optimizer) is type(former.optimizer)
            new = None if is_same else training.optimizer.moments
            listed = ", ".join(names[name] for name in _CHANGING)
            rows += f"    {epoch}: ({size}, {listed}, {new}),\n"
            former = training
        return f"{text}\n\nSETTINGS = {{  # from the end of an epoch on\n{rows}}}\n"

    def _update(self, training: Training) -> str:
        optimizer = training.optimizer
        xp = "torch" if self._is_torch else "np"
        text = ""
        penalties = []
        if training.l1 > 0.0:
            penalties.append(f"{training.l1!r} * {xp}.sign(w[name])")
        if training.l2 > 0.0:
            penalties.append(f"{training.l2!r} * w[name]")
        if penalties:
            text += _templates.PENALIZE.format(penalties=" + ".join(penalties))
        elif self._recording.changes:
            text += _templates.NOT_PENALIZED
        limits = ""
        if training.clip_value is not None:
            limits += _templates.CLIP_VALUE.format(xp=xp, limit=repr(training.clip_value))
        if training.clip_norm is not None:
            limit = repr(training.clip_norm)
            limits += _templates.CLIP_NORM.format(double=self._double, limit=limit)
        if limits:
            text += _templates.CLIP.format(body=limits)
        elif self._recording.changes:
            text += _templates.NOT_CLIPPED
        options = {
            field.name: repr(getattr(optimizer, field.name))
            for field in fields(optimizer)
            if field.name != "learning_rate"
        }
        if isinstance(optimizer, Muon):
            hidden = hidden_matrices(self._recording.network.changing)
            options["is_hidden"] = f"name in {sorted(hidden)!r}"
        wide = ".detach().clone().double()" if self._is_torch else ".astype(np.float64)"
        text += _templates.UPDATE.format(
            optimizer=optimizer.type,
            options="".join(f", {name}={value}" for name, value in options.items()),
        )
        return text + _templates.STEP.format(
            weights=f"w[name]{wide}",
            gradient=f"gradient[name]{wide}",
            moment=f"moment{wide}",
            before="w[name].detach()" if self._is_torch else "w[name]",
        )

    def _train(self) -> str:
        training = self._training
        changes = len(self._recording.changes) > 0
        has_penalties = changes or training.l1 > 0.0 or training.l2 > 0.0
        has_limits = changes or training.clip_value is not None or training.clip_norm is not None
        values = "loss_of(z, y)"
        if self._weights["train"] is not None:
            weights = "train_weights[rows_of_batch]"
            values += f" * {weights}{'.to(z)' if self._is_torch else '.astype(DTYPE)'}"
        train, predicted = (
            (_templates.TRAIN_TORCH, _templates.PREDICTED_TORCH)
            if self._is_torch
            else (_templates.TRAIN_NUMPY, _templates.PREDICTED_NUMPY)
        )
        text = train.format(
            changed=self._changed(),
            settings=_templates.CHANGED.format(library="torch" if self._is_torch else "np")
            if changes
            else "",
            values=values,
            moments=training.optimizer.moments,
            output_shape=", ".join(map(str, self._recording.network.output_shape)),
            penalized="penalize(w, gradient)" if has_penalties else "gradient",
            clipped="clip(gradient)" if has_limits else "gradient",
        ) + _templates.LOOK.format(
            predicted=predicted.format(at_once=SAMPLES_AT_ONCE),
            train_weights="" if self._no_weights else ", train_weights",
            validation_weights="" if self._no_weights else ", validation_weights",
            taken="torch.tensor" if self._is_torch else "DTYPE",
            **{
                name: f"{variable}[name]{'.detach()' if self._is_torch else ''}"
                for name, variable in (("gradient", "gradient"), ("step", "step"), ("weights", "w"))
            },
        )
        return text.replace("                gradient = gradient\n", "")

    def _changed(self) -> str:
        """Return the expression of the inputs and the targets of an epoch."""
        stream = 'streams["augmentation"]'
        if self._training.corruption is None:
            inputs = f"augment({stream}, train_inputs)"
            inputs = f"torch.tensor({inputs})" if self._is_torch else inputs
            return f"{inputs}, train_targets"
        if self._is_torch:
            pair = f"corrupt({stream}, train_inputs, train_targets.numpy())"
            return f"map(torch.tensor, {pair})"
        return f"corrupt({stream}, train_inputs, train_targets)"

    def _numbers(self) -> str:
        recording, data, dtype = self._recording, self._data, self._training.dtype
        network = recording.network
        frozen = f"# Frozen: {', '.join(network.frozen)}.\n" if network.frozen else ""
        # The accuracy and the exact match of a part follow its loss.
        columns = dict(sorted(recording.columns.items(), key=lambda column: _ORDER[column[0]]))
        arrays: list[Array] = []

        def text(array: Array) -> str:
            arrays.append(array)
            return _literal(array)

        def texts(named: Mapping[str, Array]) -> str:
            rows = "".join(f"    {quoted(name)}: {text(array)},\n" for name, array in named.items())
            return f"{{\n{rows}}}" if rows else "{}"

        def inputs(array: Array | None) -> str:
            return "None" if array is None else f"{text(array.astype(dtype))}.astype(DTYPE)"

        def targets(array: Array | None) -> str:
            if array is None:
                return "None"
            return f"torch.tensor({text(array)})" if self._is_torch else text(array)

        def by_epoch(arrays: Mapping[At, Array]) -> str:
            rows = "".join(f"    {epoch}: {text(array)},\n" for epoch, array in arrays.items())
            return f"{{\n{rows}}}" if rows else "{}"

        def of(weights: Mapping[str, Array]) -> dict[str, Array]:
            return {name: weights[name] for name in network.parameters}

        program = (
            f"\n\n{frozen}LEARNED = {[*network.learned]!r}\n"
            f"initial_weights = {texts(of(recording.initial_weights))}\n"
            f"train_inputs = {inputs(data.train_inputs)}\n"
            f"train_targets = {targets(data.train_targets)}\n"
            f"validation_inputs = {inputs(data.validation_inputs)}\n"
            f"validation_targets = {targets(data.validation_targets)}\n"
            f"{self._weights_text(targets)}"
            f"stored = {texts(columns)}  # from epoch 1 on\n"
            f"{self._gradients_text(text)}"
            f"weights_after = {by_epoch(self._weights_after())}\n"
            f"moments_after = {by_epoch(self._moments_after())}\n"
            f"omitted_weights = {recording.omitted}\n"
            f"contradictions = {[*recording.contradictions]!r}\n"
        )
        size = sum(_smallest(array).nbytes for array in arrays)
        if size > LARGEST_ARRAYS:
            raise NoProgram(
                f"the weights, the data and the curve take {size / 1e6:.0f} MB; the limit of a "
                f"training program is {LARGEST_ARRAYS / 1e6:.0f} MB"
            )
        return program

    def _gradients_text(self, text: Callable[[Array], str]) -> str:
        """Return what is stored of the gradients as lines of the program."""
        gradients = self._recording.gradients
        epochs, rows = np.zeros(0, np.int64), ""
        if gradients is not None:
            epochs = gradients.epochs
            rows = "".join(
                f"    {quoted(layer)}: ({text(gradients.statistics[:, i, : len(COMPARED)])}, "
                f"{text(gradients.histogram[:, i])}),\n"
                for i, layer in enumerate(gradients.layers)
            )
        return (
            f"STATISTICS = {[*COMPARED]!r}\n"
            f"gradient_epochs = {text(epochs)}\n"
            "stored_gradients = {  # statistics and histograms\n"
            f"{rows}}}\n"
        )

    def _weights_after(self) -> dict[At, Array]:
        """Return all weights as one vector by epoch, or by epoch and step."""
        recording = self._recording
        arrays: dict[At, Mapping[str, Array]] = {
            at: state.arrays for at, state in recording.states.items()
        }
        known: dict[At, Mapping[str, Array]] = {**arrays}
        known.update(recording.checkpoints.items())
        names = recording.network.parameters
        return {at: np.concatenate([known[at][n].ravel() for n in names]) for at in known}

    def _moments_after(self) -> dict[At, Array]:
        """Return the optimizer's moments of the states, `(moments, changing)`."""
        result, changing = {}, self._recording.network.changing
        for at, state in self._recording.states.items():
            within = at[0] - 1 if isinstance(at, tuple) else at - 1
            last = max(epoch for epoch in self._settings if epoch <= within)
            optimizer = self._settings[last].optimizer
            result[at] = optimizer.in_formula(state.arrays["moments"], changing)
        return result

    @property
    def _no_weights(self) -> bool:
        return all(weights is None for weights in self._weights.values())

    def _weights_text(self, text: Callable[[Array | None], str]) -> str:
        """Return the weights of the samples as lines of the program; empty without any."""
        if self._no_weights:
            return ""
        return (
            "# The weight of each prediction in the loss; their mean is 1.\n"
            f"train_weights = {text(self._weights['train'])}\n"
            f"validation_weights = {text(self._weights.get('validation'))}\n"
        )


_CHANGING = (
    *("draw_order", "learning_rate", "penalize", "clip", "update"),
    *("forward", "draw_masks"),
)
"""The functions that follow from settings that may change."""
_FUNCTION = re.compile(r"def (\w+)(\(.*?)\s*(?=\ndef |\Z)", re.DOTALL)

_CORRUPTIONS = {"mask": "mask_tokens", "diffuse": "diffuse"}
"""The function of each type of corruption."""


def _change(change: Augmentation | Corruption, function: str, changed: str) -> str:
    """Return the call that changes samples."""
    options = (f"{field.name}={getattr(change, field.name)!r}" for field in fields(change))
    return f"{function}({', '.join([changed, 'stream', *options])})"


def _drawn(mask: Mask) -> str:
    shape = ", ".join("n" if i == mask.batch else str(n) for i, n in enumerate(mask.drawn))
    text = f"mask(stream, ({shape}), {mask.rate!r}, DTYPE)"
    if mask.axes == tuple(range(len(mask.axes))):
        return text
    return f"{text}.transpose{mask.axes}"


def _smallest(array: Array) -> Array:
    """Return the array in the smallest type that holds the same numbers."""
    for dtype in ("u1", "<i2", "<f4", "<f8", "<i8"):
        with np.errstate(all="ignore"):
            smaller = array.astype(dtype)
        if np.array_equal(smaller.astype(array.dtype), array, equal_nan=True):
            return smaller
    return array


def _literal(array: Array) -> str:
    """Return a call of `array` with the numbers in base 64.

    Numbers that are stored in a smaller type become what they were.
    """
    smaller = _smallest(array)
    numbers = base64.b64encode(smaller.tobytes()).decode()
    dtype, shape = smaller.dtype.str, ", ".join(map(str, ("", *array.shape)))
    text = f"array({quoted(numbers)}, {quoted(dtype)}{shape})"
    is_wider = smaller.dtype != array.dtype
    return f"{text}.astype({quoted(array.dtype.str)})" if is_wider else text
