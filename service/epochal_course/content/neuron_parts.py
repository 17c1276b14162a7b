"""A nerve cell and the artificial neuron, part by part, and how they differ."""

from __future__ import annotations

from ..specs.content.neuron_parts import NeuronPart, NeuronParts

PARTS = (
    NeuronPart(
        id="dendrites",
        part="Dendrites",
        role="Branches that receive signals from other cells, often from thousands of them.",
        counterpart="Inputs",
        counterpart_role="The numbers that the neuron reads: data or outputs of the layer before.",
        symbol="xᵢ",
        difference=(
            "Dendrites process signals themselves before anything reaches the cell body. An "
            "artificial neuron only reads its inputs."
        ),
    ),
    NeuronPart(
        id="synapse",
        part="Synapse",
        role=(
            "The contact between two cells. It passes a signal on, strongly or weakly, and excites "
            "or inhibits the next cell."
        ),
        counterpart="Weight",
        counterpart_role=(
            "A factor for each input. Its magnitude is the strength of the connection, its sign "
            "says whether it excites or inhibits."
        ),
        symbol="wᵢ",
        difference=(
            "Training can change the sign of a weight. A nerve cell usually either excites or "
            "inhibits all cells that it connects to (Dale's principle)."
        ),
    ),
    NeuronPart(
        id="cell_body",
        part="Cell body",
        role="Combines the signals that arrive through all dendrites within a short time.",
        counterpart="Weighted sum",
        counterpart_role="The sum of the products of each input and its weight.",
        symbol="Σ wᵢ·xᵢ",
        difference="A cell also sums over time. The weighted sum has no notion of time.",
    ),
    NeuronPart(
        id="threshold",
        part="Threshold",
        role="The voltage that the combined signals must reach before the cell fires.",
        counterpart="Bias",
        counterpart_role="A number added to the sum. It makes the neuron fire sooner or later.",
        symbol="b",
        difference=(
            "The threshold of a cell rises for a short time after it fires. Training learns the "
            "bias, which then stays fixed."
        ),
    ),
    NeuronPart(
        id="axon_hillock",
        part="Axon hillock",
        role="The start of the axon. Here the cell fires or stays silent.",
        counterpart="Activation",
        counterpart_role="A function that turns the sum into the output: step, sigmoid or ReLU.",
        symbol="f",
        difference=(
            "A cell either fires or does not. Most activations output a continuous value, which "
            "resembles the firing rate of a cell."
        ),
    ),
    NeuronPart(
        id="axon",
        part="Axon",
        role="The fiber that carries the spike away from the cell body, up to a meter or more.",
        counterpart="Output",
        counterpart_role="One number, the same for every neuron that reads it.",
        symbol="y",
        difference="Spikes take time to travel, and their timing matters. An output has no timing.",
    ),
    NeuronPart(
        id="axon_terminals",
        part="Axon terminals",
        role="The ends of the axon. They pass the signal to the dendrites of other cells.",
        counterpart="Connections to the next layer",
        counterpart_role="The output becomes an input of every neuron of the next layer.",
        symbol="xᵢ of the next layer",
        difference=(
            "Nerve cells form loops and connect distant regions. The layers of a feed-forward "
            "network follow one another."
        ),
    ),
    NeuronPart(
        id="plasticity",
        part="Plasticity",
        role="Synapses that help to make the next cell fire become stronger (Hebb, 1949).",
        counterpart="Training",
        counterpart_role="Each step changes weights and biases a little to reduce the loss.",
        symbol="w ← w - η·∂L/∂w",
        difference=(
            "A synapse changes with local activity. A gradient depends on the loss at the end of "
            "the network."
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
    """Return all parts in the order in which a signal passes through them; learning is last."""
    return NeuronParts(parts=list(PARTS), formula="y = f(Σ wᵢ·xᵢ + b)", sources=list(SOURCES))
