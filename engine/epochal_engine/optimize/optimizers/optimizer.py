"""The common part of all optimizers: a learning rate, moments, and the calls of one update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, ClassVar, TypeAlias

from ...model.components import ApiRange, Component, Range, source
from ...symbolic.trace import Array, Call, Shape

LearningRate: TypeAlias = Annotated[float, Range(least=0), ApiRange(above=0, most=1e12)]
"""A learning rate that is far too high is allowed: the run then ends as diverged."""
Decay: TypeAlias = Annotated[float, Range(least=0, below=1)]
Epsilon: TypeAlias = Annotated[float, Range(above=0)]
Strength: TypeAlias = Annotated[float, Range(least=0, most=1e12)]


@dataclass(frozen=True)
class Optimizer(Component):
    """An optimizer. A subclass with a `type` is known to the API by it."""

    table: ClassVar[dict[str, type[Optimizer]]] = {}
    formula: ClassVar[str]
    """The update of a weight w, with its gradient g and the learning rate η."""
    step: ClassVar[str]
    """The update of one parameter in place, as statements in NumPy: of `w`, given its gradient `g`,
    its `moments`, the learning `rate`, the number `t` of the step, and the fields. In PyTorch,
    `torch.` stands for `np.`. They may call the step of another optimizer, as in `sgd_step`."""
    usual_rate: ClassVar[float]
    """A learning rate to start with."""
    moments: ClassVar[int] = 0
    """Number of vectors that the optimizer carries from step to step."""

    learning_rate: LearningRate
    """Step size. Greater than 0, up to 1e12."""

    @classmethod
    def step_source(cls, *facts: str) -> str:
        """Return the source of the function `TYPE_step`; it takes facts of the parameter, too."""
        options = [field.name for field in fields(cls) if field.name != "learning_rate"]
        parameters = ["w", "g", "moments", "rate", "t", *facts, *options]
        return source(f"{cls.type}_step({', '.join(parameters)})", cls.step)

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> list[Call]:
        """Return the NumPy calls of one update, which also write the step taken to `step`.

        `parameter`, `gradient`, `step`: `(size,)`; `moments`: `(self.moments, size)`; `rate`: `()`,
        the learning rate, which may change between calls; `steps`: the number of steps taken
        before; `shapes`: the shapes of the parameters in the vectors, by name and in order. The
        vectors may hold several networks of these shapes one after the other.
        """
        raise NotImplementedError

    def in_formula(self, moments: Array, shapes: Mapping[str, Shape]) -> Array:
        """Return the moments `(self.moments, size)` as the formula has them: where a factor saves
        calls, they are kept without it.
        """
        return moments
