"""A nerve cell and its model, part by part, and where the likeness ends."""

from __future__ import annotations

from ..specs.journey.neuron_parts import NeuronPart, NeuronParts

PARTS = (
    NeuronPart(
        id="dendrites",
        part="Dendrites",
        role="Branches that receive the signals of other cells, often of thousands of them.",
        counterpart="Inputs",
        counterpart_role="The numbers that come in: data, or the outputs of the layer before.",
        symbol="xᵢ",
        difference=(
            "Dendrites do some computing of their own before anything reaches the cell body. "
            "Inputs are only read."
        ),
    ),
    NeuronPart(
        id="synapse",
        part="Synapse",
        role=(
            "The contact between two cells. It passes a signal on more strongly or more weakly, "
            "and can excite or inhibit."
        ),
        counterpart="Weight",
        counterpart_role="A factor for each input: its size is the strength, its sign the kind.",
        symbol="wᵢ",
        difference=(
            "A weight may change its sign while learning. As a rule, all synapses that one nerve "
            "cell makes on others excite, or all inhibit (Dale's principle)."
        ),
    ),
    NeuronPart(
        id="cell_body",
        part="Cell body",
        role="Gathers what arrives through all dendrites, within a short span of time.",
        counterpart="Weighted sum",
        counterpart_role="Adds up all products of an input and its weight.",
        symbol="Σ wᵢ·xᵢ",
        difference="A cell also adds up over time; the sum knows no time.",
    ),
    NeuronPart(
        id="threshold",
        part="Threshold",
        role="How much must come together before the cell fires.",
        counterpart="Bias",
        counterpart_role="Is added to the sum, so that the neuron fires sooner or later.",
        symbol="b",
        difference=(
            "A cell's threshold is a voltage, and higher for a while after it has fired. A bias is "
            "a number that is learnt, and stays."
        ),
    ),
    NeuronPart(
        id="axon_hillock",
        part="Axon hillock",
        role="Where the axon begins: here it is decided whether the cell fires.",
        counterpart="Activation",
        counterpart_role="Makes the output of the sum: a step, a sigmoid, a ReLU.",
        symbol="f",
        difference=(
            "A cell fires or it does not. Most activations put out something between, which is "
            "rather how often a cell fires."
        ),
    ),
    NeuronPart(
        id="axon",
        part="Axon",
        role="Carries the spike away, some of them more than a meter far.",
        counterpart="Output",
        counterpart_role="One number, the same for everyone who reads it.",
        symbol="y",
        difference="Spikes take time to arrive, and when they do matters. An output has no time.",
    ),
    NeuronPart(
        id="axon_terminals",
        part="Axon terminals",
        role="The ends of the axon: they hand the signal to the next cells' dendrites.",
        counterpart="Connections to the next layer",
        counterpart_role="The output becomes an input of every neuron of the next layer.",
        symbol="xᵢ of the next layer",
        difference=(
            "Cells are connected in loops and across regions. Layers come one after the other."
        ),
    ),
    NeuronPart(
        id="plasticity",
        part="Plasticity",
        role="Synapses that take part in firing the next cell grow stronger (Hebb, 1949).",
        counterpart="Training",
        counterpart_role="Weights and biases move a little, so that the loss becomes smaller.",
        symbol="w ← w - η·∂L/∂w",
        difference=(
            "A synapse has only what happens around it to go by. A gradient brings word to every "
            "weight from the far end of the network."
        ),
    ),
)

SOURCES = (
    "McCulloch and Pitts (1943), A logical calculus of the ideas immanent in nervous activity, "
    "Bulletin of Mathematical Biophysics 5",
    "Hebb (1949), The Organization of Behavior",
    "Rosenblatt (1958), The perceptron, Psychological Review 65",
    "Kandel et al. (2021), Principles of Neural Science, 6th edition",
)


def neuron_parts() -> NeuronParts:
    """All parts, in the order in which a signal passes through them; learning comes last."""
    return NeuronParts(parts=list(PARTS), formula="y = f(Σ wᵢ·xᵢ + b)", sources=list(SOURCES))
