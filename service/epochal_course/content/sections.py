"""The eleven sections of the journey: text, sources and explorers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

from epochal_service.errors import NotFound

from .presets import PRESETS

_TITLES: dict[str, dict[str, str]] = json.loads(
    files(__package__).joinpath("titles.json").read_text(encoding="utf-8")
)
"""Title and lead of each section. The page reads the same file when it is built."""


@dataclass(frozen=True)
class SectionContent:
    """The text of a section and the explorers that belong to it."""

    id: str
    paragraphs: tuple[str, ...]
    sources: tuple[str, ...]
    explorers: tuple[str, ...]
    """Names of RPCs."""

    @property
    def number(self) -> int:
        """Position in the journey, counted from 1."""
        return SECTIONS.index(self) + 1

    @property
    def title(self) -> str:
        """Heading of the section."""
        return _TITLES[self.id]["title"]

    @property
    def lead(self) -> str:
        """Main idea of the section, in one to three sentences."""
        return _TITLES[self.id]["lead"]

    @property
    def presets(self) -> list[str]:
        """Names of the presets that belong to the section."""
        return [preset.name for preset in PRESETS if preset.section == self.id]


SECTIONS = (
    SectionContent(
        "network",
        (
            "The idea comes from the brain: a nerve cell collects signals from thousands of other "
            "cells and sends its own signal once enough have arrived. An artificial neuron keeps "
            "only the arithmetic. It multiplies each input by a weight, adds the products, and "
            "passes one number on.",
            "A single neuron can do little. A hidden layer of enough neurons, each with a "
            "nonlinear activation, can approximate any continuous function on a bounded interval. "
            "This universal approximation theorem was proved in 1989, first for sigmoids. It says "
            "that good weights exist, not how to find them. Finding them is training.",
            "You can measure how the fit depends on the width. One hidden unit turns a sine wave "
            "into a single slope. With two units the two curves are already hard to tell apart, "
            "and with four the error is below a millionth of that of a constant.",
        ),
        (
            "Cybenko (1989), Approximation by superpositions of a sigmoidal function, "
            "doi:10.1007/BF02551274",
            "Hornik, Stinchcombe and White (1989), Multilayer feedforward networks are universal "
            "approximators, doi:10.1016/0893-6080(89)90020-8",
        ),
        ("SimulateApproximation",),
    ),
    SectionContent(
        "neuron",
        (
            "Each weight says how much its input counts, and in which direction. The bias shifts "
            "the weighted sum. A perceptron outputs 1 if the sum is at least 0, and 0 otherwise. A "
            "sigmoid outputs a number between 0 and 1 instead, and its derivative lets gradient "
            "descent adjust the weights.",
            "Frank Rosenblatt's learning rule of 1958 uses mistakes only. After each wrong "
            "prediction, every weight moves by the learning rate times its input, toward the "
            "correct output. If a straight line separates the two classes, the rule finds one "
            "after a finite number of mistakes.",
            "If no such line exists, the rule never converges. A single neuron can learn 14 of the "
            "16 truth tables of two inputs. The other two are XOR and XNOR, whose ones lie on "
            "opposite corners of a square. A hidden layer of two units solves both: each unit "
            "draws one line, and their outputs are linearly separable.",
        ),
        (
            "Rosenblatt (1958), The perceptron, doi:10.1037/h0042519",
            "Novikoff (1962), On convergence proofs on perceptrons",
            "Minsky and Papert (1969), Perceptrons, MIT Press",
        ),
        ("SimulateNeuron", "SimulatePerceptron", "SimulateXor"),
    ),
    SectionContent(
        "activations",
        (
            "Two linear layers in a row are one linear layer: W₂(W₁x) = (W₂W₁)x. A nonlinear "
            "activation between them changes that. The choice of activation matters less for what "
            "a network can represent than for how well it learns.",
            "Gradient descent depends on derivatives. The derivative of a sigmoid is at most 0.25 "
            "and almost 0 a few units away from 0: a unit that far out is saturated and hardly "
            "learns. ReLU has a derivative of 1 for positive inputs and 0 for negative ones. A "
            "ReLU unit whose weighted sum is negative for all samples gets no gradient; it is a "
            "dead unit.",
            "GELU and SiLU are smooth relatives of ReLU with small negative outputs. Their "
            "derivative exceeds 1 at some inputs; for GELU it reaches 1.13 at √2. Many "
            "transformers use one of the two.",
        ),
        (
            "Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward "
            "neural networks",
            "Nair and Hinton (2010), Rectified linear units improve restricted Boltzmann machines",
            "Hendrycks and Gimpel (2016), Gaussian error linear units, arXiv:1606.08415",
        ),
        ("SimulateActivation", "SimulateActivationChain"),
    ),
    SectionContent(
        "architecture",
        (
            "A dense layer with n inputs and m units has m·n weights and m biases. A network with "
            "layers of 3, 4, 4 and 2 neurons has (4·3 + 4) + (4·4 + 4) + (2·4 + 2) = 46 "
            "parameters. Some textbooks count the input as a layer and some do not, so the service "
            "returns both counts.",
            "A wider layer computes more features at once. A deeper network builds features from "
            "features: for images, edges first, then parts, then objects. The same number of "
            "parameters can go into width or into depth.",
            "Weights are only part of the memory. Training also stores a gradient for each weight, "
            "one or two numbers more for the optimizer, and the activations of the whole batch. "
            "The largest models are hard to picture: the estimated 1.8 trillion parameters of "
            "GPT-4 are 39 billion times as many as 46.",
        ),
        (
            "LeCun et al. (1998), doi:10.1109/5.726791",
            "Brown et al. (2020), arXiv:2005.14165",
        ),
        ("SimulateArchitecture",),
    ),
    SectionContent(
        "forward",
        (
            "A forward pass repeats the arithmetic of a single neuron: weighted sum, bias, "
            "activation, for every unit of a layer and then for the next layer. The last layer "
            "outputs the prediction. For classification, a softmax turns the last layer's sums, "
            "the logits, into probabilities that add up to 1.",
            "Every value has a formula, and you can read each formula with its numbers filled in. "
            "The pass stores the weighted sums and activations of every layer, because the "
            "backward pass needs them.",
            "The cost is easy to estimate. Each weight takes one multiplication and one addition, "
            "so a pass takes about two operations per weight and input. For a model of 70 billion "
            "weights that reads 4,000 tokens, that is more than half a quadrillion operations: "
            "about half a second on eight A100 cards at half their peak.",
        ),
        (
            "Kaplan et al. (2020), Scaling laws for neural language models, arXiv:2001.08361",
            "Touvron et al. (2023), Llama 2, arXiv:2307.09288",
        ),
        ("SimulateForward", "SimulateTransformerCost"),
    ),
    SectionContent(
        "loss",
        (
            "For regression, the squared error is the usual loss: an error twice as large costs "
            "four times as much. The absolute error is less sensitive to outliers. The Huber loss "
            "is quadratic for small errors and linear for large ones.",
            "For classification, cross-entropy is the negative logarithm of the probability that "
            "the network gives to the correct class. At 0.70 it is 0.357, at 0.01 it is 4.6. Its "
            "derivative makes it learn fast: at 0.01 it is -100, where that of the squared error "
            "is -1.98. A confident wrong prediction costs far more than an uncertain one.",
            "Language models minimize the same loss over a vocabulary of tens of thousands of "
            "tokens. A model that guesses uniformly among 100,000 tokens has a loss of "
            "ln 100,000 = 11.5. The exponential of the loss is the perplexity: the number of "
            "equally likely tokens that would give the same loss.",
        ),
        (
            "Huber (1964), Robust estimation of a location parameter, doi:10.1214/aoms/1177703732",
            "Shannon (1948), A mathematical theory of communication, "
            "doi:10.1002/j.1538-7305.1948.tb01338.x",
            "Lin et al. (2017), Focal loss for dense object detection, arXiv:1708.02002",
        ),
        ("SimulateLoss", "SimulateTokenLoss"),
    ),
    SectionContent(
        "backpropagation",
        (
            "To see how the loss depends on a weight in the first layer, follow every path from "
            "the weight to the loss and multiply the derivatives along it. The number of paths is "
            "huge, but they share segments. Going backwards, each unit needs only one number: the "
            "derivative of the loss with respect to its weighted sum. It is called the error "
            "signal δ, and it follows from the error signals of the next layer.",
            "The gradient of a weight is δ times the input of that weight. The backward pass costs "
            "about twice as much as the forward pass and computes the gradients of all weights at "
            "once.",
            "A product of many small factors is close to 0. Each sigmoid layer multiplies the "
            "gradient by its weights and by a derivative of at most 0.25, so in a deep network "
            "hardly any gradient reaches the first layers: it vanishes. Four remedies are common, "
            "often combined: an activation with a derivative near 1, initial weights of the right "
            "scale, residual connections, and normalization.",
        ),
        (
            "Rumelhart, Hinton and Williams (1986), doi:10.1038/323533a0",
            "Hochreiter (1991), Untersuchungen zu dynamischen neuronalen Netzen",
            "He et al. (2015), Deep residual learning for image recognition, arXiv:1512.03385",
            "Ba, Kiros and Hinton (2016), Layer normalization, arXiv:1607.06450",
        ),
        ("SimulateBackward", "SimulateGradientFlow", "SimulateVanishingBars"),
    ),
    SectionContent(
        "training",
        (
            "Training splits the data into batches. For each batch the network predicts, the loss "
            "measures the error, backpropagation computes the gradient, and every weight takes a "
            "small step against it. An epoch is over when every training sample was used once. "
            "Validation samples are never trained on: the validation loss shows whether the "
            "network generalizes or overfits.",
            "The learning rate sets the size of the step and is the most important setting. If it "
            "is too low, the loss hardly falls. If it is too high, each step overshoots more than "
            "the last until the numbers overflow. A good value depends on the network, the data "
            "and the optimizer: 0.01 is good for Adam and slow for plain gradient descent on the "
            "same task.",
            "A schedule changes the learning rate during training. A warmup starts with small "
            "steps, a cosine schedule ends with small steps. Llama 2 with 7 billion parameters "
            "went from 3·10⁻⁴ down to a tenth of it along half a cosine, with 70 billion from "
            "1.5·10⁻⁴.",
        ),
        (
            "Robbins and Monro (1951), A stochastic approximation method, "
            "doi:10.1214/aoms/1177729586",
            "Kingma and Ba (2014), Adam, arXiv:1412.6980",
            "Loshchilov and Hutter (2017), SGDR, arXiv:1608.03983",
            "Touvron et al. (2023), Llama 2, arXiv:2307.09288",
        ),
        ("SimulateTraining", "SimulateLearningRates", "SimulateSchedule"),
    ),
    SectionContent(
        "zoo",
        (
            "A dense layer treats its inputs as a list without an order. A convolution assumes "
            "that neighboring pixels belong together and that a cat looks the same anywhere in the "
            "image, so it slides the same filters over every position. A recurrent network reads a "
            "sequence step by step and keeps a hidden state. LSTM and GRU add gates that decide "
            "what to keep and what to forget, which helps with long-range dependencies.",
            "A recurrent network has to finish one step before it starts the next, and information "
            "from the distant past passes through every step in between. Attention connects every "
            "position with every other directly and processes all positions at once. In return, "
            "the matrix of attention weights is four times as large for a text twice as long.",
            "A transformer alternates attention and dense layers, with residual connections and "
            "normalization. All positions are computed in parallel, which made very large models "
            "practical.",
        ),
        (
            "LeCun et al. (1989), Backpropagation applied to handwritten zip code recognition, "
            "doi:10.1162/neco.1989.1.4.541",
            "Hochreiter and Schmidhuber (1997), Long short-term memory, "
            "doi:10.1162/neco.1997.9.8.1735",
            "Cho et al. (2014), arXiv:1406.1078",
            "Bahdanau, Cho and Bengio (2014), arXiv:1409.0473",
            "Vaswani et al. (2017), arXiv:1706.03762",
        ),
        (
            "SimulateConvolution",
            "SimulatePooling",
            "SimulateRecurrence",
            "SimulateAttention",
            "SimulatePositionalEncoding",
            "SimulateSequenceCost",
        ),
    ),
    SectionContent(
        "timeline",
        (
            "The perceptron learned from mistakes but could not learn XOR. Backpropagation made "
            "hidden layers trainable. Convolutional networks read checks in the 1990s. In 2012, "
            "with more data and graphics cards, one of them won the ImageNet contest and brought "
            "deep learning to wide attention.",
            "Attention was introduced for translation in 2014. Three years later the transformer "
            "used it without any recurrence. Then models grew: from the 1.5 billion parameters of "
            "GPT-2 to the 175 billion of GPT-3 in fifteen months. The larger models learned tasks "
            "from a few examples in the prompt.",
            "These models are built from the parts that this journey shows: weighted sums, "
            "activations, a loss, gradients, and many small steps.",
        ),
        ("Each entry of GET /course/v1/timeline lists its own sources.",),
        (),
    ),
    SectionContent(
        "language",
        (
            "A text becomes a row of tokens: characters, or byte pairs, frequent parts of words. "
            "Each token selects a vector of its own, its embedding, and the position adds "
            "another vector. From here on the network computes with vectors alone.",
            "Each block adds to these vectors: attention adds what earlier tokens have to say, "
            "dense layers add what follows from it. The sum that passes all blocks is the residual "
            "stream. The last layer turns it into a logit for each token, and a softmax turns "
            "logits into probabilities. A temperature sharpens or flattens them before a token is "
            "sampled and appended.",
            "Training lowers the cross-entropy of the next token. Counting goes some of the way: a "
            "table of pairs or triples of characters, an n-gram model, is a strong baseline for "
            "small models. What counting cannot do is read a context that it has never seen.",
        ),
        (
            "Shannon (1948), A mathematical theory of communication, "
            "doi:10.1002/j.1538-7305.1948.tb01338.x",
            "Sennrich, Haddow and Birch (2016), Neural machine translation of rare words with "
            "subword units, arXiv:1508.07909",
            "Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762",
            "Radford et al. (2018), Improving language understanding by generative pre-training",
            "Elhage et al. (2021), A mathematical framework for transformer circuits",
        ),
        ("SimulateTokenization",),
    ),
)


def find(id: str) -> SectionContent:
    """Return the section with this id. Raises `NotFound`."""
    for section in SECTIONS:
        if section.id == id:
            return section
    raise NotFound(f"There is no section {id}; GET /course/v1/sections lists all of them")
