"""The ten sections of the journey, in our own words."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NotFound
from .presets import PRESETS


@dataclass(frozen=True)
class Text:
    """What a section tells, and which explorers belong to it."""

    id: str
    title: str
    lead: str
    paragraphs: tuple[str, ...]
    sources: tuple[str, ...]
    explorers: tuple[str, ...]
    """Names of RPCs."""

    @property
    def number(self) -> int:
        """Its place, counted from 1."""
        return TEXTS.index(self) + 1

    @property
    def presets(self) -> list[str]:
        """Names of the ready jobs that belong to it."""
        return [preset.name for preset in PRESETS if preset.section == self.id]


TEXTS = (
    Text(
        "network",
        "What is a neural network?",
        "A neural network is a function with many adjustable numbers, and a way to adjust them "
        "until it gives the answers that you show it.",
        (
            "The word comes from the brain. A nerve cell gathers signals from thousands of others "
            "through its dendrites, and sends one of its own down the axon once enough have come "
            "together. The artificial neuron keeps just that much: numbers come in, each is "
            "weighed, the weighed numbers are added, and one number goes out.",
            "One such unit can do little. Put a row of them between input and output, give each a "
            "bend of its own, and their sum can follow any smooth curve as closely as you like, "
            "if the row is long enough. This was proved in 1989, first for sigmoids. The proof "
            "says that good weights exist. It does not say how to find them: that is training, "
            "and the rest of this journey.",
            "Width against fit can be watched. A single bent unit can only make a slope out of a "
            "sine wave. With four the wave is there, with thirty-two the error is so small that "
            "the two curves lie on top of each other.",
        ),
        (
            "Cybenko (1989), Approximation by superpositions of a sigmoidal function, "
            "doi:10.1007/BF02551274",
            "Hornik, Stinchcombe and White (1989), Multilayer feedforward networks are universal "
            "approximators, doi:10.1016/0893-6080(89)90020-8",
        ),
        ("SimulateApproximation",),
    ),
    Text(
        "neuron",
        "The single neuron",
        "Multiply, add, compare: a neuron draws one straight line and says on which side of it an "
        "input lies.",
        (
            "Every input has a weight: how much it counts, and in which direction. The products "
            "are added to a bias, which says how easily the neuron is persuaded. If the sum is at "
            "least zero, the perceptron fires. A sigmoid in its place gives a soft answer between "
            "0 and 1, with a slope that learning can follow.",
            "Frank Rosenblatt's rule of 1958 learns the weights from mistakes alone. Whenever the "
            "answer is wrong, each weight moves by the learning rate times its input, towards the "
            "answer that was wanted. If any straight line parts the two classes, the rule finds "
            "one after a finite number of mistakes.",
            "If there is no such line, it never settles. Of the 16 truth tables of two inputs, 14 "
            "can be learned. The other two are exclusive or and its opposite: their ones lie on "
            "opposite corners of a square. A hidden layer solves it. Its two units look at the "
            "square with a line each, and in the space of their answers the corners can be parted.",
        ),
        (
            "Rosenblatt (1958), The perceptron, doi:10.1037/h0042519",
            "Novikoff (1962), On convergence proofs on perceptrons",
            "Minsky and Papert (1969), Perceptrons, MIT Press",
        ),
        ("SimulateNeuron", "SimulatePerceptron", "SimulateXor"),
    ),
    Text(
        "activations",
        "Activation functions",
        "Without a bend between them, any number of layers is worth one; with it, a network can "
        "follow what is not straight.",
        (
            "Two linear layers in a row are a linear layer: W₂(W₁x) = (W₂W₁)x. The activation "
            "function stands between them so that this no longer holds. Which function it is "
            "matters less for what a network could represent than for how well it learns.",
            "Learning goes by slopes. A sigmoid's slope is .25 at its steepest and next to nothing "
            "a few units away from zero, so that a unit pushed that far hardly learns: it is "
            "saturated. ReLU has a slope of exactly 1 wherever it is positive, and exactly 0 "
            "elsewhere. A unit whose sum is negative for all data gets no gradient at all and "
            "stays dead.",
            "GELU and SiLU are smooth relatives of ReLU that let a little through on the negative "
            "side. Their slope exceeds 1 in places: 1.13 for GELU, at √2. Most transformers use "
            "one of them.",
        ),
        (
            "Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward "
            "neural networks",
            "Nair and Hinton (2010), Rectified linear units improve restricted Boltzmann machines",
            "Hendrycks and Gimpel (2016), Gaussian error linear units, arXiv:1606.08415",
        ),
        ("SimulateActivation", "SimulateActivationChain"),
    ),
    Text(
        "architecture",
        "Layers and architecture",
        "How many layers, how wide, and joined in which way: the architecture decides what a "
        "network can represent and what it costs.",
        (
            "A dense layer with n inputs and m units has m·n weights and m biases. A network of "
            "3, 4, 4 and 2 neurons thus has (4·3 + 4) + (4·4 + 4) + (2·4 + 2) = 46 parameters. "
            "Some count the input as a layer, some do not: here both counts are given, with "
            "their names.",
            "Width gives a layer more directions to look in. Depth lets each layer build on what "
            "the one before has found: in images edges first, then parts, then things. The same "
            "number of parameters can be spent on either.",
            "Weights are only a part of the memory. Training also holds a gradient for each, one "
            "or two more numbers for the optimizer, and the activations of the whole batch. The "
            "distance to the largest models is hard to picture: 46 parameters against an "
            "estimated 1.8 trillion for GPT-4 is a ratio of 39 billion.",
        ),
        (
            "LeCun et al. (1998), doi:10.1109/5.726791",
            "Brown et al. (2020), arXiv:2005.14165",
        ),
        ("SimulateArchitecture",),
    ),
    Text(
        "forward",
        "Forward propagation",
        "Numbers go in at one end, and each layer turns them into the numbers that the next one "
        "reads.",
        (
            "A forward pass is nothing but the single neuron, many times: products, a sum, a bias, "
            "an activation, for every unit of a layer and then for the next layer. The last one "
            "gives the prediction. For a choice between classes a softmax turns its sums into "
            "shares that add up to 1.",
            "Nothing in it is hidden. Every value has a formula, and the formula can be read with "
            "the numbers put in. What training needs later, the sums and activations of every "
            "layer, is kept on the way.",
            "The cost is easy to estimate: every weight is multiplied once and added once, so a "
            "pass takes about two operations a weight for every input. For a model of 70 billion "
            "weights reading 4,000 tokens that is over half a quadrillion operations, which eight "
            "graphics cards at half their peak do in some tenths of a second.",
        ),
        (
            "Kaplan et al. (2020), Scaling laws for neural language models, arXiv:2001.08361",
            "Touvron et al. (2023), Llama 2, arXiv:2307.09288",
        ),
        ("SimulateForward", "SimulateTransformerCost"),
    ),
    Text(
        "loss",
        "Loss functions",
        "The loss is one number that says how wrong the network is, and its slope says in which "
        "direction it would be less wrong.",
        (
            "For a quantity, the squared error is the usual choice: twice as far off costs four "
            "times as much. The absolute error minds outliers less, and Huber's loss is one near "
            "zero and the other far away.",
            "For a choice, cross-entropy asks how much probability the right answer got, and takes "
            "the negative logarithm. At .70 that is .357, at .01 it is 4.6. What makes it learn "
            "fast is its slope: at .01 it is -100, where the squared error's is -1.98. Being sure "
            "and wrong is punished out of proportion.",
            "A language model is trained on the same number, with a choice of tens of thousands of "
            "tokens. One that guesses evenly among 100,000 starts at ln 100,000 = 11.5. The "
            "exponential of the loss is called perplexity: among how many equally likely tokens "
            "the model seems to choose.",
        ),
        (
            "Huber (1964), Robust estimation of a location parameter, doi:10.1214/aoms/1177703732",
            "Shannon (1948), A mathematical theory of communication, "
            "doi:10.1002/j.1538-7305.1948.tb01338.x",
            "Lin et al. (2017), Focal loss for dense object detection, arXiv:1708.02002",
        ),
        ("SimulateLoss", "SimulateTokenLoss"),
    ),
    Text(
        "backpropagation",
        "Backpropagation",
        "The chain rule, applied from the loss backwards, tells every weight its share of the "
        "error in one pass.",
        (
            "To know how the loss depends on a weight in the first layer, follow the way from the "
            "weight to the loss and multiply the slopes along it. There are very many ways, but "
            "they share their ends. Going backwards, each unit needs to know only one number: how "
            "the loss changes with its own sum. It is called δ, and follows from those of the "
            "layer behind.",
            "The gradient of a weight is then δ times the input that the weight was multiplied "
            "with. All gradients together cost about twice as much as the forward pass, whether "
            "there are 46 of them or 46 billion.",
            "Products of many slopes are fragile. With sigmoids each layer takes at least three "
            "quarters of it away, unless the weights are large, and ten layers down hardly any "
            "arrives: the gradient vanishes. Four remedies are in use, often together: an "
            "activation with a slope near 1, weights that start at the right size, connections "
            "that lead around a layer, and normalization.",
        ),
        (
            "Rumelhart, Hinton and Williams (1986), doi:10.1038/323533a0",
            "Hochreiter (1991), Untersuchungen zu dynamischen neuronalen Netzen",
            "He et al. (2015), Deep residual learning for image recognition, arXiv:1512.03385",
            "Ba, Kiros and Hinton (2016), Layer normalization, arXiv:1607.06450",
        ),
        ("SimulateBackward", "SimulateGradientFlow", "SimulateVanishingBars"),
    ),
    Text(
        "training",
        "The training loop",
        "Forward, loss, backward, update: four lines, repeated until the loss no longer falls.",
        (
            "The data is cut into batches. For each the network predicts, the loss judges, the "
            "gradient is worked out, and every weight takes a small step against it. When every "
            "sample has been seen once, an epoch is over. Some samples are held out and never "
            "trained on: only they tell whether the network has understood or learned by heart.",
            "The learning rate is the length of the step, and the setting that matters most. Too "
            "low, and nothing seems to happen. Too high, and each step lands further away than "
            "the last, until the numbers overflow. What is right depends on the network, the data "
            "and the optimizer: .01 is good for Adam and slow for plain gradient descent on the "
            "very same task.",
            "Schedules change the rate on the way. A warm-up starts gently, a cosine ends gently: "
            "Llama 2 went from 3·10⁻⁴ down to a tenth of it along half a cosine.",
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
    Text(
        "zoo",
        "The architecture zoo",
        "What is known of the data goes into the shape of the network, and saves weights and "
        "examples.",
        (
            "A dense network treats its inputs as a list without an order. A convolution knows "
            "that neighboring pixels belong together and that a cat is a cat wherever it sits: "
            "the same few weights slide over the whole image. A recurrent network reads a "
            "sequence step by step and keeps a state. LSTM and GRU add gates, which decide what "
            "is kept and what is let go, so that something can be remembered for long.",
            "Recurrence must wait for each step before it can take the next, and what lies far "
            "back has a long way to go. Attention joins every place with every other directly: "
            "one step for all of them, and a way of length one. The price is a table of all pairs, "
            "four times as large for a text twice as long.",
            "The transformer is attention and dense layers in turns, with residual connections "
            "and normalization. It won because it can be computed all at once, and therefore made "
            "large.",
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
    Text(
        "timeline",
        "From neurons to language models",
        "Sixty-eight years lie between the first artificial neuron that learned and the models of "
        "today, and every step of the way is still in them.",
        (
            "The perceptron learned from mistakes, and met its limit with exclusive or. "
            "Backpropagation made hidden layers trainable. Convolutions read checks in the "
            "nineties, and in 2012, with more data and graphics cards, won the contest that "
            "brought deep learning to everybody's attention.",
            "Attention came as an aid to translation in 2014, and three years later the "
            "transformer kept nothing else. Models then grew by factors of ten: from 1.5 billion "
            "parameters to 175 billion in fifteen months. Abilities turned up that smaller models "
            "had not shown.",
            "What is inside has been on this page all along: weighted sums, an activation, a loss, "
            "a gradient, a small step, and a great many repetitions.",
        ),
        ("The sources of each entry stand beside it: GET /v1/timeline",),
        (),
    ),
)


def find(id: str) -> Text:
    """The section of this id. Raises `NotFound`."""
    for text in TEXTS:
        if text.id == id:
            return text
    raise NotFound(f"There is no section {id}: GET /v1/sections has all of them")
