"""An optimizer turns a gradient into a step; each one here is one above it plus an idea.

All parameters of a network are one flat vector, and so are its gradient and the step, so that an
update is a few NumPy calls, whatever the number of layers:

    Sgd         the step is rate · gradient
    Perceptron  Sgd on the error of outputs that are 0 or 1
    Momentum    Sgd on a velocity, a decaying sum of gradients
    Nesterov    Momentum, evaluated one step ahead
    Adagrad     Sgd divided by the root of the sum of squared gradients
    RmsProp     Adagrad with a moving mean instead of the sum
    Adam        RmsProp with Momentum
    AdamW       Adam with decoupled weight decay
    Lion        the sign of a Momentum step
    Muon        Nesterov with an orthogonalized step for hidden matrices; AdamW for the rest

They are in `descent.py`, `adaptive.py`, `lion.py` and `muon.py`, to be read in this order.
Subclassing `Optimizer` registers an optimizer by its type.
"""

from __future__ import annotations

# In the order in which the API lists them.
# isort: off
from .optimizer import Optimizer
from .descent import Momentum, Nesterov, Perceptron, Sgd
from .adaptive import Adagrad, Adam, AdamW, RmsProp
from .lion import Lion
from .muon import Muon
from .vectors import weight_mask, without_denormals
# isort: on

__all__ = [
    "OPTIMIZERS",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "Momentum",
    "Muon",
    "Nesterov",
    "Optimizer",
    "Perceptron",
    "RmsProp",
    "Sgd",
    "weight_mask",
    "without_denormals",
]

OPTIMIZERS: dict[str, type[Optimizer]] = Optimizer.table
"""All optimizers by type."""
