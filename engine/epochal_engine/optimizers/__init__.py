"""An optimizer turns a gradient into a step; each one here is one before it plus an idea.

All parameters of a network are one flat vector, and so are its gradient and the step, so that an
update is a handful of NumPy calls however many layers there are:

    Sgd         the step is rate · gradient
    Perceptron  Sgd on the error of outputs that fire or do not
    Momentum    Sgd with memory: the step is rate · velocity
    Nesterov    Momentum that looks one step ahead
    Adagrad     Sgd whose step each parameter measures by all its gradients so far
    RmsProp     Adagrad that forgets: by its usual gradient
    Adam        RmsProp with Momentum
    AdamW       Adam whose weights also shrink by themselves
    Lion        Momentum of which only the signs count
    Muon        Nesterov whose step for a hidden matrix stretches no direction; AdamW for the rest

They stand in `descent.py`, `adaptive.py`, `lion.py` and `muon.py`, to be read in this order.
"""

from __future__ import annotations

from typing import TypeAlias

from .adaptive import Adagrad, Adam, AdamW, RmsProp
from .descent import Momentum, Nesterov, Perceptron, Sgd
from .lion import Lion
from .muon import Muon
from .vectors import weight_mask

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
]

Optimizer: TypeAlias = (
    Sgd | Perceptron | Momentum | Nesterov | Adagrad | RmsProp | Adam | AdamW | Lion | Muon
)
OPTIMIZERS: dict[str, type[Optimizer]] = {
    o.type: o
    for o in (Sgd, Perceptron, Momentum, Nesterov, Adagrad, RmsProp, Adam, AdamW, Lion, Muon)
}
"""All optimizers by the name that the API knows."""
