"""The zoo in words: what each kind of network is for, what it costs, and how to draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import NotFound
from ..specs.journey.architectures import EdgeKind, Graph, GraphEdge, GraphNode, NodeKind
from ..specs.networks import NetworkSpec


@dataclass(frozen=True)
class Description:
    """All of an architecture that is not computed; see `specs.journey.Architecture`."""

    id: str
    name: str
    year: int
    idea: str
    strengths: tuple[str, ...]
    weaknesses: tuple[str, ...]
    cost: str
    used_in: tuple[str, ...]
    typical_size: str
    source: str
    graph: Graph
    network: NetworkSpec
    preset: str | None = None


def find(id: str) -> Description:
    """The description of this id. Raises `NotFound`."""
    for one in DESCRIPTIONS:
        if one.id == id:
            return one
    known = ", ".join(each.id for each in DESCRIPTIONS)
    raise NotFound(f"There is no architecture {id[:40]!r}; there are {known}")


def _graph(
    nodes: list[tuple[str, str, NodeKind, int, int]],
    edges: list[tuple[str, str] | tuple[str, str, EdgeKind, str]],
) -> Graph:
    return Graph(
        nodes=[
            GraphNode(id=name, label=label, kind=kind, column=column, row=row)
            for name, label, kind, column, row in nodes
        ],
        edges=[
            GraphEdge(
                source=edge[0],
                target=edge[1],
                kind=edge[2] if len(edge) == 4 else "forward",
                label=edge[3] if len(edge) == 4 else "",
            )
            for edge in edges
        ],
    )


def _network(input_shape: list[int], *layers: dict[str, Any]) -> NetworkSpec:
    return NetworkSpec.model_validate({"input_shape": input_shape, "layers": list(layers)})


def _dense(units: int, activation: str = "linear", **more: Any) -> dict[str, Any]:
    return {"type": "dense", "units": units, "activation": activation, **more}


def _reader(cell: str) -> NetworkSpec:
    """Twelve tokens of sixteen, read by a recurrent layer, and the next one guessed."""
    return _network(
        [12],
        {"type": "embedding", "vocabulary": 16, "units": 8},
        {"type": cell, "units": 24},
        _dense(16, "softmax"),
    )


def _unrolled(cell: str, kept: str) -> Graph:
    places = (1, 2, 3)
    return _graph(
        [
            *((f"x{t}", f"place {t}", "input", t, 2) for t in places),
            *((f"h{t}", cell, "state", t, 1) for t in places),
            ("y", "answer", "output", 4, 0),
        ],
        [
            *((f"x{t}", f"h{t}") for t in places),
            ("h1", "h2", "recurrent", kept),
            ("h2", "h3", "recurrent", kept),
            ("h3", "y"),
        ],
    )


DESCRIPTIONS: tuple[Description, ...] = (
    Description(
        id="mlp",
        name="Multi-layer perceptron",
        year=1986,
        idea=(
            "Layers of neurons, each of which weighs all outputs of the layer before. Nothing is "
            "assumed about the inputs, not even that neighbors belong together: whatever matters "
            "has to be found in the data."
        ),
        strengths=(
            "Simple, and fast on every machine: products of matrices and nothing else",
            "With enough hidden units it comes as near to any continuous function as is wanted "
            "(Cybenko, 1989)",
            "The right choice for tables, whose columns have no order",
        ),
        weaknesses=(
            "Inputs are of one fixed length",
            "A pattern that it knows in one place it has to learn anew in every other",
            "The parameters grow with the product of the widths of neighboring layers",
        ),
        cost="2·d² operations for a layer of width d, and d² + d parameters.",
        used_in=(
            "Classification and regression of tables",
            "The last layers of convolutional networks",
            "Two of the layers in every block of a transformer, which hold most of its parameters",
        ),
        typical_size="Thousands to millions of parameters; 784-128-10 for digits has 101,770.",
        source=(
            "Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating "
            "errors, Nature 323, doi:10.1038/323533a0"
        ),
        graph=_graph(
            [
                ("input", "inputs", "input", 0, 1),
                ("hidden_1", "dense + activation", "layer", 1, 1),
                ("hidden_2", "dense + activation", "layer", 2, 1),
                ("output", "outputs", "output", 3, 1),
            ],
            [("input", "hidden_1"), ("hidden_1", "hidden_2"), ("hidden_2", "output")],
        ),
        network=_network([4], _dense(16, "relu"), _dense(16, "relu"), _dense(3, "softmax")),
        preset="iris",
    ),
    Description(
        id="cnn",
        name="Convolutional network",
        year=1989,
        idea=(
            "A small window slides over the image and asks the same question everywhere: is there "
            "an edge, a corner, an eye? The answers form a new image, on which the next layer asks "
            "its own. Pooling makes the image smaller, so that later windows see more of it."
        ),
        strengths=(
            "The same few weights at every place: far fewer parameters, and far fewer examples",
            "What was learnt in one corner is known in all others",
            "All places can be computed at the same time",
        ),
        weaknesses=(
            "It sees far only through many layers",
            "Pooling forgets where exactly something was",
            "It helps only where neighbors belong together",
        ),
        cost=(
            "2·k²·d² operations for each pixel, for a kernel of k by k and d channels; k²·d² + d "
            "parameters, whatever the size of the image."
        ),
        used_in=(
            "Recognition of images, and what is where in them",
            "Medical images",
            "The first layers of speech recognition",
        ),
        typical_size="LeNet-5 has about 60,000 parameters, AlexNet about 60 million.",
        source=(
            "LeCun et al. (1989), Backpropagation applied to handwritten zip code recognition, "
            "Neural Computation 1, doi:10.1162/neco.1989.1.4.541"
        ),
        graph=_graph(
            [
                ("input", "image", "input", 0, 1),
                ("conv_1", "convolution", "layer", 1, 1),
                ("pool_1", "pooling", "operation", 2, 1),
                ("conv_2", "convolution", "layer", 3, 1),
                ("pool_2", "pooling", "operation", 4, 1),
                ("dense", "dense", "layer", 5, 1),
                ("output", "classes", "output", 6, 1),
            ],
            [
                ("input", "conv_1"),
                ("conv_1", "pool_1"),
                ("pool_1", "conv_2"),
                ("conv_2", "pool_2"),
                ("pool_2", "dense"),
                ("dense", "output"),
            ],
        ),
        network=_network(
            [8, 8, 1],
            {
                "type": "conv2d",
                "filters": 8,
                "kernel_size": 3,
                "padding": "same",
                "activation": "relu",
            },
            {"type": "max_pool2d"},
            {
                "type": "conv2d",
                "filters": 16,
                "kernel_size": 3,
                "padding": "same",
                "activation": "relu",
            },
            {"type": "max_pool2d"},
            {"type": "flatten"},
            _dense(10, "softmax"),
        ),
        preset="lenet",
    ),
    Description(
        id="rnn",
        name="Recurrent network",
        year=1990,
        idea=(
            "One cell reads a sequence place by place and keeps a state: what it has read so far, "
            "in a few numbers. The same weights serve at every place, so a sequence may be of any "
            "length."
        ),
        strengths=(
            "Sequences of any length with the same parameters",
            "Reading on costs the same at every place, and takes no more memory",
        ),
        weaknesses=(
            "Gradients shrink or grow at every place that they go back through (Bengio et al., "
            "1994), so it hardly learns what lies far apart",
            "Each place waits for the one before: little can be computed at the same time",
            "All that was read must fit into one state",
        ),
        cost="4·n·d² operations, n steps one after the other, a path of n from end to end.",
        used_in=("Short sequences and signals", "Today mostly a step towards LSTM and GRU"),
        typical_size="d² + d² + d parameters: 620 for 10 inputs and 20 units.",
        source="Elman (1990), Finding structure in time, doi:10.1207/s15516709cog1402_1",
        graph=_unrolled("RNN cell", "state"),
        network=_reader("rnn"),
        preset="adding-rnn",
    ),
    Description(
        id="lstm",
        name="Long short-term memory",
        year=1997,
        idea=(
            "Beside its state the cell has a memory that is only added to and scaled down. Gates, "
            "small layers with outputs between 0 and 1, decide what is written into it, what is "
            "kept, and what is read from it."
        ),
        strengths=(
            "Along the memory a gradient passes many places without shrinking, as long as the "
            "forget gate stays open",
            "It learns by itself what to keep and for how long",
        ),
        weaknesses=(
            "Four times the parameters and operations of a plain recurrent network",
            "Still one place after the other",
        ),
        cost="16·n·d² operations, n steps one after the other, a path of n from end to end.",
        used_in=(
            "Speech recognition and translation until about 2017",
            "Time series",
            "Small devices that read signals as they come",
        ),
        typical_size="4·(d² + d² + d) parameters: 2,480 for 10 inputs and 20 units.",
        source=(
            "Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9, "
            "doi:10.1162/neco.1997.9.8.1735; the forget gate: Gers et al. (2000), "
            "doi:10.1162/089976600300015015"
        ),
        graph=_unrolled("LSTM cell", "state and memory"),
        network=_reader("lstm"),
        preset="adding-lstm",
    ),
    Description(
        id="gru",
        name="Gated recurrent unit",
        year=2014,
        idea=(
            "An LSTM made smaller: state and memory are one, and one gate decides both how much "
            "of the old is kept and how much of the new comes in."
        ),
        strengths=(
            "About as good as an LSTM with three quarters of its parameters",
            "The kept share of the state passes gradients on as they are",
        ),
        weaknesses=(
            "What is kept is always what is put out",
            "Still one place after the other",
        ),
        cost="12·n·d² operations, n steps one after the other, a path of n from end to end.",
        used_in=("Time series and audio", "Wherever an LSTM would be slightly too large"),
        typical_size=(
            "3·(d² + d² + d) parameters, with one bias a gate: 1,860 for 10 inputs and 20 units."
        ),
        source=(
            "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder for "
            "statistical machine translation, arXiv:1406.1078"
        ),
        graph=_unrolled("GRU cell", "state"),
        network=_reader("gru"),
        preset="adding-gru",
    ),
    Description(
        id="seq2seq",
        name="Encoder and decoder with attention",
        year=2014,
        idea=(
            "One recurrent network reads a sentence, another writes its translation. Before each "
            "word the writer looks back over all states of the reader and takes most from those "
            "that matter now, in place of a single state that has to hold everything."
        ),
        strengths=(
            "Long sentences are translated as well as short ones",
            "The weights can be looked at: they show which word was translated from which",
            "Input and output may differ in length and order",
        ),
        weaknesses=(
            "Reader and writer are recurrent: one place after the other",
            "Every word written looks at every word read",
        ),
        cost=(
            "Two recurrent networks, and for m words written and n read about 2·m·n·(units + d) "
            "operations for the scores and what is found."
        ),
        used_in=(
            "Machine translation from 2014 to 2017",
            "Captions of images, speech recognition",
            "Attention itself went on to become the transformer",
        ),
        typical_size="Tens to hundreds of millions of parameters.",
        source=(
            "Bahdanau, Cho and Bengio (2014), Neural machine translation by jointly learning to "
            "align and translate, arXiv:1409.0473"
        ),
        graph=_graph(
            [
                ("source", "sentence read", "input", 0, 2),
                ("encoder", "recurrent reader", "state", 1, 2),
                ("attention", "attention", "layer", 2, 1),
                ("target", "words so far", "input", 0, 0),
                ("decoder", "recurrent writer", "state", 1, 0),
                ("output", "next word", "output", 3, 0),
            ],
            [
                ("source", "encoder"),
                ("target", "decoder"),
                ("decoder", "attention", "attention", "asks"),
                ("encoder", "attention", "attention", "is looked at"),
                ("attention", "output"),
                ("decoder", "output"),
            ],
        ),
        network=_network(
            [12],
            {"type": "slice", "name": "read", "input": "input", "start": 0, "stop": 6},
            {"type": "embedding", "name": "read_vectors", "vocabulary": 16, "units": 16},
            {"type": "gru", "name": "encoder", "units": 24, "return_sequences": True},
            {"type": "slice", "name": "written", "input": "input", "start": 6},
            {"type": "embedding", "name": "written_vectors", "vocabulary": 16, "units": 16},
            {"type": "gru", "name": "decoder", "units": 24, "return_sequences": True},
            {
                "type": "additive_attention",
                "name": "attention",
                "input": ["decoder", "encoder"],
                "units": 16,
            },
            {"type": "concatenate", "input": ["decoder", "attention"]},
            _dense(16, "softmax"),
        ),
        preset="reversal",
    ),
    Description(
        id="transformer_encoder",
        name="Transformer, encoder",
        year=2017,
        idea=(
            "No recurrence at all: every place of a text looks at every other at once, by "
            "attention, and then thinks by itself, by two dense layers. Both are added to what "
            "was there before. Positional encodings say who stands where. An encoder looks in "
            "both directions, which suits texts that are complete."
        ),
        strengths=(
            "All places at the same time: it uses graphics cards to the full",
            "Any two places are one step apart",
            "Trained on plain text, then fitted to a task with few examples (BERT, 2018)",
        ),
        weaknesses=(
            "Compute and memory grow with the square of the length",
            "Without positional encodings it would not know the order",
            "It needs much data: little is built in",
        ),
        cost="24·n·d² + 4·n²·d operations for a block with a hidden layer of 4·d; a path of 1.",
        used_in=(
            "Search and classification of texts",
            "Vectors that stand for sentences",
            "Images, cut into patches (Dosovitskiy et al., 2020)",
        ),
        typical_size="BERT-base: 12 blocks of width 768, about 110 million parameters.",
        source="Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762",
        graph=_graph(
            [
                ("input", "tokens", "input", 0, 1),
                ("embedding", "embedding + places", "layer", 1, 1),
                ("attention", "self-attention", "layer", 2, 1),
                ("add_1", "add & norm", "operation", 3, 1),
                ("feed_forward", "two dense layers", "layer", 4, 1),
                ("add_2", "add & norm", "operation", 5, 1),
                ("output", "a vector for each place", "output", 6, 1),
            ],
            [
                ("input", "embedding"),
                ("embedding", "attention"),
                ("attention", "attention", "attention", "all places"),
                ("attention", "add_1"),
                ("embedding", "add_1", "residual", ""),
                ("add_1", "feed_forward"),
                ("feed_forward", "add_2"),
                ("add_1", "add_2", "residual", ""),
                ("add_2", "output"),
            ],
        ),
        network=_network(
            [16],
            {"type": "embedding", "vocabulary": 16, "units": 32},
            {"type": "positional_encoding"},
            {"type": "transformer_block", "heads": 4, "hidden": 128, "norm": "post"},
            {"type": "global_average_pool"},
            _dense(2, "softmax"),
        ),
        preset="sorting",
    ),
    Description(
        id="transformer_decoder",
        name="Transformer, decoder",
        year=2018,
        idea=(
            "A transformer that looks back only: each place sees itself and what came before, and "
            "guesses what comes next. So one text gives as many exercises as it has tokens, all "
            "at the same time; and to write, it guesses one token after the other. Every large "
            "language model of today is built on this."
        ),
        strengths=(
            "Plain text is all that it needs to learn from, and there is a great deal of it",
            "The loss falls along a smooth curve as model and data grow (Kaplan et al., 2020)",
            "One model for many tasks, which are put to it in words",
        ),
        weaknesses=(
            "Writing goes token by token",
            "The keys and values of all tokens so far must be kept while it writes",
            "Compute grows with the square of the length in training",
        ),
        cost=(
            "As the encoder's, of which the mask leaves half of the scores; about 2·N operations "
            "for each token of a model of N parameters."
        ),
        used_in=("Language models: GPT, LLaMA, Claude", "Code, dialogue, and tools"),
        typical_size="GPT-2: 124 million to 1.5 billion parameters; GPT-3: 175 billion.",
        source=(
            "Radford et al. (2018), Improving language understanding by generative pre-training, "
            "OpenAI"
        ),
        graph=_graph(
            [
                ("input", "tokens so far", "input", 0, 1),
                ("embedding", "embedding + places", "layer", 1, 1),
                ("attention", "causal self-attention", "layer", 2, 1),
                ("add_1", "add", "operation", 3, 1),
                ("feed_forward", "two dense layers", "layer", 4, 1),
                ("add_2", "add", "operation", 5, 1),
                ("output", "next token", "output", 6, 1),
            ],
            [
                ("input", "embedding"),
                ("embedding", "attention"),
                ("attention", "attention", "attention", "earlier places only"),
                ("attention", "add_1"),
                ("embedding", "add_1", "residual", ""),
                ("add_1", "feed_forward"),
                ("feed_forward", "add_2"),
                ("add_1", "add_2", "residual", ""),
                ("add_2", "output"),
            ],
        ),
        network=_network(
            [16],
            {"type": "embedding", "vocabulary": 16, "units": 32},
            {"type": "positional_encoding", "kind": "learned"},
            {"type": "transformer_block", "heads": 4, "hidden": 128, "causal": True},
            {"type": "transformer_block", "heads": 4, "hidden": 128, "causal": True},
            {"type": "layer_norm"},
            _dense(16, "softmax"),
        ),
        preset="sentences",
    ),
    Description(
        id="autoencoder",
        name="Autoencoder",
        year=2006,
        idea=(
            "A network that is asked for nothing but its own input, through a narrow middle. To "
            "come through there, the input has to be summed up in a few numbers: the code. No "
            "labels are needed."
        ),
        strengths=(
            "It learns from data without labels",
            "Its code is a map of the data, and a measure of what is unusual: what it cannot "
            "rebuild it has not seen",
        ),
        weaknesses=(
            "What it keeps is what is large, which need not be what matters",
            "Between two codes there may be nothing sensible, unless it is trained for that "
            "(Kingma and Welling, 2013)",
            "Too wide a middle lets it copy without learning",
        ),
        cost="As a multi-layer perceptron of the same widths.",
        used_in=(
            "Compression and removal of noise",
            "Detection of faults",
            "The first and last stage of image generators that work on codes (Rombach et al., "
            "2021)",
        ),
        typical_size="Thousands to tens of millions of parameters.",
        source=(
            "Hinton and Salakhutdinov (2006), Reducing the dimensionality of data with neural "
            "networks, Science 313, doi:10.1126/science.1127647"
        ),
        graph=_graph(
            [
                ("input", "input", "input", 0, 1),
                ("encoder", "encoder", "layer", 1, 1),
                ("code", "code", "state", 2, 1),
                ("decoder", "decoder", "layer", 3, 1),
                ("output", "input, rebuilt", "output", 4, 1),
            ],
            [
                ("input", "encoder"),
                ("encoder", "code"),
                ("code", "decoder"),
                ("decoder", "output"),
            ],
        ),
        network=_network(
            [64],
            _dense(32, "relu"),
            _dense(8, name="code"),
            _dense(32, "relu"),
            _dense(64, "sigmoid"),
        ),
        preset="autoencoder",
    ),
)
