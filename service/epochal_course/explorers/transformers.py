"""The number of parameters of a transformer, from its size."""

from __future__ import annotations

from dataclasses import dataclass

from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.quantity import Quantity
from ..specs.explorers.transformer_size import TransformerSize
from .formulas import Expression, quantity
from .formulas import total as sum_of


@dataclass(frozen=True)
class Part:
    """One group of parameters."""

    name: str
    count: int
    formula: str
    """In symbols: L layers, width d, hidden size h, key size k, vocabulary V, context C."""
    substituted: str
    """The formula in numbers."""
    multiplies: int = 0
    """Number of weights that multiply every token."""

    @property
    def quantity(self) -> Quantity:
        """The group as a quantity of the API."""
        return quantity(self.name, self.count, self.formula, Expression(self.substituted))


def hidden_of(size: TransformerSize) -> int:
    """Return the number of units of the feed-forward layer."""
    return size.hidden or 4 * size.width


def key_width(size: TransformerSize) -> int:
    """Return the size of all keys of one token in one layer; its values have the same size."""
    return size.width // size.heads * (size.key_value_heads or size.heads)


def check_size(size: TransformerSize, path: str) -> None:
    """Raise `InvalidArgument` unless heads divide the width, and key heads divide the heads."""
    errors = []
    if size.width % size.heads:
        errors.append(
            FieldError(f"{path}.heads", f"must divide the width, {size.width}; got {size.heads}")
        )
    if size.heads % (size.key_value_heads or size.heads):
        errors.append(
            FieldError(
                f"{path}.key_value_heads",
                f"must divide the heads, {size.heads}; got {size.key_value_heads}",
            )
        )
    if errors:
        raise InvalidArgument.of(*errors)


def parts(size: TransformerSize) -> list[Part]:
    """Return all groups of parameters, in forward order."""
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
    groups = [tokens, Part("positions", c * d, "C·d", f"{c}·{d}")]
    if size.family == "bert":
        groups.append(Part("segments", 2 * d, "2·d", f"2·{d}"))
    groups += [
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
        # The pooler multiplies the first token alone: its products are not counted.
        groups.append(Part("pooler", d * d + d, "d² + d", f"{d}² + {d}"))
    else:
        # The output weights are the token embeddings, so they add no parameters.
        groups.append(Part("output", 0, "0", "0", multiplies=v * d))
    return groups


def total(groups: list[Part], name: str = "parameters") -> Quantity:
    """Return the sum of the groups."""
    counts = [part.count for part in groups]
    return quantity(name, sum(counts), " + ".join(part.name for part in groups), sum_of(counts))
