"""The network as a PyTorch module, weights included, so that you can continue training there."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from ..model.network import Network
from ..symbolic.trace import Array
from ._program import Program, common_type, literal
from ._pytorch_modules import MODULES
from ._spellings import SPELLINGS
from .numpy_script import answers, encoder
from .scaling import Scaling, Table


def pytorch_module(
    network: Network,
    weights: Mapping[str, Array],
    scaling: Scaling | None = None,
    table: Table | None = None,
) -> bytes:
    """Return the module, as UTF-8; it computes in the type of the weights."""
    scaling = scaling or Scaling()
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
    buffers: dict[str, Array] = {}
    prediction = program.prediction
    if scaling.shift is not None and scaling.scale is not None:
        body = f"        x = (x - self.shift) / self.scale\n{body}"
        buffers |= {"shift": scaling.shift, "scale": scaling.scale}
    if scaling.target_shift is not None and scaling.target_scale is not None:
        prediction += " * self.target_scale + self.target_shift"
        buffers |= {"target_shift": scaling.target_shift, "target_scale": scaling.target_scale}
    for name, array in buffers.items():
        submodules += f'        self.register_buffer("{name}", torch.empty{array.shape})\n'
        state[name] = array.astype(dtype)
    if dtype == np.float64:
        submodules += "        self.double()\n"
    included = ""
    for name, text in reversed(MODULES.items()):
        if re.search(rf"\b{name}\(", body + submodules + included):
            included = text + included
    constants = "".join(f'    "{name}": {literal(array)},\n' for name, array in state.items())
    shape = ", ".join(map(str, network.input_shape))
    encode = encoder(table)
    imports = "base64"
    if encode:
        imports = "base64\nimport csv\nimport io\nimport re"
        if "datetime(" in encode:
            imports += "\nfrom datetime import datetime"
        encode = f'''

{encode}def answer(network, rows):
    """Return the network's prediction for each of the rows, dicts by column name."""
    dtype = next(network.parameters()).dtype
    with torch.no_grad():
        outputs = network.eval()(torch.tensor(encode(rows), dtype=dtype))
    return {answers(table)}
'''
    return f'''"""A trained network as a PyTorch module: `Network()(torch.zeros(1, {shape}))`.

Dropout is active until you call `.eval()`.
"""

import {imports}

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
{body}        return {prediction}
{encode}'''.encode()
