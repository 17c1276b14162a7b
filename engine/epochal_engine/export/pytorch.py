"""The network as a PyTorch module, weights included, so that you can continue training there."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from ..network import Network
from ..trace import Array
from .program import Program, common_type, literal
from .pytorch_modules import MODULES
from .scaling import Scaling
from .spellings import SPELLINGS


def pytorch_module(
    network: Network, weights: Mapping[str, Array], scaling: Scaling | None = None
) -> bytes:
    """Return the module, as UTF-8; it computes in the type of the weights."""
    program = Program(network)
    dtype = common_type({name: weights[name] for name in network.parameters})
    body, submodules = "", ""
    state: dict[str, Array] = {}
    for line in program.lines:
        module, variable = SPELLINGS[line.layer.type].pytorch, line.output.variable
        w = line.weights(weights)
        body += f"        {variable} = {module.call(line)}\n"
        if submodule := module.create(line, w):
            submodules += f"        self.{variable} = {submodule}\n"
        for name, array in module.state(w).items():
            state[f"{variable}.{name}" if name else variable] = array.astype(dtype)
    if scaling is not None:
        shape = f"torch.empty{network.input_shape}"
        submodules += "".join(
            f'        self.register_buffer("{name}", {shape})\n' for name in ("shift", "scale")
        )
        body = f"        x = (x - self.shift) / self.scale\n{body}"
        state |= {"shift": scaling.shift.astype(dtype), "scale": scaling.scale.astype(dtype)}
    if dtype == np.float64:
        submodules += "        self.double()\n"
    included = ""
    for name, text in reversed(MODULES.items()):
        if re.search(rf"\b{name}\(", body + submodules + included):
            included = text + included
    constants = "".join(f'    "{name}": {literal(array)},\n' for name, array in state.items())
    shape = ", ".join(map(str, network.input_shape))
    return f'''"""A trained network as a PyTorch module: `Network()(torch.zeros(1, {shape}))`.

Dropout is active until you call `.eval()`.
"""

import base64

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def array(numbers, shape, dtype="<f4"):
    flat = np.frombuffer(base64.b64decode(numbers), dtype).reshape(shape)
    return torch.from_numpy(flat.copy())


w = {{
{constants}}}


{included}class Network(nn.Module):
    def __init__(self):
        super().__init__()
{submodules}        self.load_state_dict(w)

    def forward(self, x):
        """Return the predictions for inputs (n, {shape})."""
{body}        return {program.prediction}
'''.encode()
