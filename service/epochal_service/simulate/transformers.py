"""How many parameters a transformer has follows from a handful of sizes."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.quantity import Quantity
from ..specs.simulations.transformer_size import TransformerSize
from .formulas import whole


@dataclass(frozen=True)
class Part:
    """A kind of parameters."""

    name: str
    count: int
    formula: str
    """Of the sizes, as letters: L layers, d width, h hidden, k numbers in all keys, V, C."""
    arithmetic: str
    """The formula with the numbers put in."""
    multiplies: int = 0
    """How many of them are weights by which every token is multiplied."""

    @property
    def quantity(self) -> Quantity:
        """The part as the API tells it."""
        return Quantity(
            name=self.name,
            value=self.count,
            formula=f"{self.name} = {self.formula}",
            substituted=f"{self.name} = {self.arithmetic} = {whole(self.count)}",
        )


def hidden_of(size: TransformerSize) -> int:
    """The units of the feed-forward layer."""
    return size.hidden or 4 * size.width


def key_width(size: TransformerSize) -> int:
    """Numbers in the keys of one token in one layer; its values have as many."""
    return size.width // size.heads * (size.key_value_heads or size.heads)


def check_size(size: TransformerSize, path: str) -> None:
    """Raise `InvalidArgument` unless the heads can share the width, and the key heads the heads."""
    errors = []
    if size.width % size.heads:
        errors.append(
            FieldError(f"{path}.heads", f"must divide the width {size.width} without a rest")
        )
    if size.heads % (size.key_value_heads or size.heads):
        errors.append(
            FieldError(f"{path}.key_value_heads", f"must divide {size.heads} heads without a rest")
        )
    if errors:
        raise InvalidArgument.of(*errors)


def parts(size: TransformerSize) -> list[Part]:
    """All kinds of parameters, in the order in which a token meets them."""
    layers, d, v, c = size.layers, size.width, size.vocabulary, size.context
    h, k = hidden_of(size), key_width(size)
    tokens = Part("tokens", v * d, "V·d", f"{v}·{d}")
    output = Part("output", v * d, "V·d", f"{v}·{d}", multiplies=v * d)
    matrices = 2 * d * d + 2 * d * k
    if size.family == "llama":
        return [
            tokens,
            Part(
                "attention",
                layers * matrices,
                "L·(2·d² + 2·d·k)",
                f"{layers}·(2·{d}² + 2·{d}·{k})",
                layers * matrices,
            ),
            Part(
                "feed_forward",
                layers * 3 * d * h,
                "L·3·d·h",
                f"{layers}·3·{d}·{h}",
                layers * 3 * d * h,
            ),
            Part("norms", (2 * layers + 1) * d, "(2·L + 1)·d", f"(2·{layers} + 1)·{d}"),
            output,
        ]
    found = [tokens, Part("positions", c * d, "C·d", f"{c}·{d}")]
    if size.family == "bert":
        found.append(Part("segments", 2 * d, "2·d", f"2·{d}"))
    found += [
        Part(
            "attention",
            layers * (matrices + 2 * d + 2 * k),
            "L·(2·d² + 2·d·k + 2·d + 2·k)",
            f"{layers}·(2·{d}² + 2·{d}·{k} + 2·{d} + 2·{k})",
            layers * matrices,
        ),
        Part(
            "feed_forward",
            layers * (2 * d * h + h + d),
            "L·(2·d·h + h + d)",
            f"{layers}·(2·{d}·{h} + {h} + {d})",
            layers * 2 * d * h,
        ),
        Part("norms", (2 * layers + 1) * 2 * d, "(2·L + 1)·2·d", f"(2·{layers} + 1)·2·{d}"),
    ]
    if size.family == "bert":
        # The pooler looks at the first token alone: its products are not worth counting.
        found.append(Part("pooler", d * d + d, "d² + d", f"{d}² + {d}"))
    else:
        # The token vectors once more, so no parameters of its own.
        found.append(Part("output", 0, "0", "0", multiplies=v * d))
    return found


def total(found: list[Part], name: str = "parameters") -> Quantity:
    """The sum of the parts."""
    count = sum(part.count for part in found)
    return Quantity(
        name=name,
        value=count,
        formula=f"{name} = {' + '.join(part.name for part in found)}",
        substituted=f"{name} = {' + '.join(whole(part.count) for part in found)} = {whole(count)}",
    )
