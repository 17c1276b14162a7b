"""The architectures of the zoo: description, cost, graph and a small trainable network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from epochal_service.errors import NotFound
from epochal_service.specs.networks import NetworkSpec

from ..specs.content.architectures import EdgeKind, Graph, GraphEdge, GraphNode, NodeKind


@dataclass(frozen=True)
class Description:
    """The part of an architecture that is not computed; see `specs.journey.Architecture`."""

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
    experiment: str
    preset: str | None = None


def find(id: str) -> Description:
    """Return the description with this id. Raises `NotFound`."""
    for description in DESCRIPTIONS:
        if description.id == id:
            return description
    known = ", ".join(item.id for item in DESCRIPTIONS)
    raise NotFound(f"There is no architecture {id[:40]!r}; the architectures are {known}")


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


def _recurrent(cell: str) -> NetworkSpec:
    """Return a network that reads 12 tokens and predicts the next one of 16."""
    return _network(
        [12],
        {"type": "embedding", "vocabulary": 16, "units": 8},
        {"type": cell, "units": 24},
        _dense(16, "softmax"),
    )


def _unrolled(cell: str, state: str) -> Graph:
    steps = (1, 2, 3)
    return _graph(
        [
            *((f"x{t}", f"step {t}", "input", t, 2) for t in steps),
            *((f"h{t}", cell, "state", t, 1) for t in steps),
            ("y", "output", "output", 4, 0),
        ],
        [
            *((f"x{t}", f"h{t}") for t in steps),
            ("h1", "h2", "recurrent", state),
            ("h2", "h3", "recurrent", state),
            ("h3", "y"),
        ],
    )


DESCRIPTIONS: tuple[Description, ...] = (
    Description(
        id="mlp",
        name="Multi-layer perceptron",
        year=1986,
        idea=(
            "Every unit of a dense layer reads all outputs of the layer before. The network "
            "assumes nothing about its inputs, not even that neighbors belong together, and learns "
            "every pattern from the data."
        ),
        strengths=(
            "It is simple and fast on every machine, because it only multiplies matrices",
            "With enough hidden units it approximates any continuous function on a bounded "
            "interval (Cybenko, 1989)",
            "It suits tables, whose columns have no order",
        ),
        weaknesses=(
            "The input has a fixed length",
            "It has to learn the same pattern separately at every position",
            "The parameter count grows with the product of the widths of neighboring layers",
        ),
        cost="2·d² operations and d² + d parameters for a layer of width d.",
        used_in=(
            "Classification and regression on tables",
            "The last layers of convolutional networks",
            "The feed-forward layers of a transformer, which hold most of its parameters",
        ),
        typical_size="Thousands to millions of parameters; a 784-128-10 network has 101,770.",
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
        experiment="lenet-1998",
    ),
    Description(
        id="cnn",
        name="Convolutional network",
        year=1989,
        idea=(
            "A filter, a small matrix of weights, slides over the image and detects the same "
            "pattern everywhere, for example an edge or a corner. Its outputs form a feature map, "
            "which the next layer reads. Pooling shrinks the feature maps, so filters in later "
            "layers cover more of the image."
        ),
        strengths=(
            "Every position shares the same few weights, so it needs fewer parameters and examples",
            "It recognizes a pattern at any position, wherever it learned it",
            "All positions are computed in parallel",
        ),
        weaknesses=(
            "It connects distant pixels only through many layers",
            "Pooling discards the exact position of a pattern",
            "It helps only if neighboring inputs belong together",
        ),
        cost=(
            "2·k²·d² operations for each pixel, with kernels of k by k and d channels; k²·d² + d "
            "parameters, whatever the size of the image."
        ),
        used_in=(
            "Image classification and object detection",
            "Medical images",
            "The first layers of speech recognition networks",
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
        experiment="lenet-1998",
    ),
    Description(
        id="rnn",
        name="Recurrent network",
        year=1990,
        idea=(
            "One cell reads a sequence step by step and keeps a hidden state, a few numbers that "
            "summarize what it has read. It uses the same weights at every step, so sequences can "
            "have any length."
        ),
        strengths=(
            "It reads sequences of any length with the same parameters",
            "Each further step costs the same time and needs no more memory",
        ),
        weaknesses=(
            "Gradients shrink or grow at every step (Bengio et al., 1994), so it hardly learns "
            "long-range dependencies",
            "Each step waits for the step before, so little can run in parallel",
            "The hidden state has to summarize the whole sequence",
        ),
        cost="4·n·d² operations in n sequential steps; a path of length n from end to end.",
        used_in=("Short sequences and signals", "Today mostly an introduction to LSTM and GRU"),
        typical_size="d² + d² + d parameters: 620 for 10 inputs and 20 units.",
        source="Elman (1990), Finding structure in time, doi:10.1207/s15516709cog1402_1",
        graph=_unrolled("RNN cell", "hidden state"),
        network=_recurrent("rnn"),
        preset="adding-rnn",
        experiment="rnn-1990",
    ),
    Description(
        id="lstm",
        name="Long short-term memory",
        year=1997,
        idea=(
            "In addition to its hidden state, the cell has a cell state that it only scales and "
            "adds to. Gates, small layers with outputs between 0 and 1, decide what to write into "
            "the cell state, what to keep, and what to output."
        ),
        strengths=(
            "Gradients pass many steps along the cell state without shrinking while the forget "
            "gate stays open",
            "It learns what to keep and for how long",
        ),
        weaknesses=(
            "It has four times the parameters and operations of a plain recurrent network",
            "It still processes one step after the other",
        ),
        cost="16·n·d² operations in n sequential steps; a path of length n from end to end.",
        used_in=(
            "Speech recognition and translation until about 2017",
            "Time series",
            "Small devices that process signals in real time",
        ),
        typical_size="4·(d² + d² + d) parameters: 2,480 for 10 inputs and 20 units.",
        source=(
            "Hochreiter and Schmidhuber (1997), Long short-term memory, Neural Computation 9, "
            "doi:10.1162/neco.1997.9.8.1735; the forget gate: Gers et al. (2000), "
            "doi:10.1162/089976600300015015"
        ),
        graph=_unrolled("LSTM cell", "hidden state, cell state"),
        network=_recurrent("lstm"),
        preset="adding-lstm",
        experiment="lstm-1997",
    ),
    Description(
        id="gru",
        name="Gated recurrent unit",
        year=2014,
        idea=(
            "A simpler LSTM: it has a hidden state only, and one update gate decides both how much "
            "of the old state to keep and how much new information to add."
        ),
        strengths=(
            "It is often as accurate as an LSTM with three quarters of the parameters",
            "Gradients pass through the kept part of the state unchanged",
        ),
        weaknesses=(
            "It outputs its whole state; it cannot store a value without showing it",
            "It still processes one step after the other",
        ),
        cost="12·n·d² operations in n sequential steps; a path of length n from end to end.",
        used_in=("Time series and audio", "Tasks for which an LSTM would be slightly too large"),
        typical_size=(
            "3·(d² + d² + d) parameters, with one bias per gate: 1,860 for 10 inputs and 20 units."
        ),
        source=(
            "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder for "
            "statistical machine translation, arXiv:1406.1078"
        ),
        graph=_unrolled("GRU cell", "hidden state"),
        network=_recurrent("gru"),
        preset="adding-gru",
        experiment="gru-2014",
    ),
    Description(
        id="seq2seq",
        name="Encoder and decoder with attention",
        year=2014,
        idea=(
            "One recurrent network, the encoder, reads a sentence. Another, the decoder, writes "
            "the translation. For each word the decoder attends to all hidden states of the "
            "encoder and weights them by relevance, so no single state has to hold the whole "
            "sentence."
        ),
        strengths=(
            "It translates long sentences much better than an encoder and decoder without "
            "attention",
            "The attention weights can be inspected: they show which words belong together",
            "Input and output can differ in length and order",
        ),
        weaknesses=(
            "Encoder and decoder are recurrent and process one step after the other",
            "Every output word attends to every input word",
        ),
        cost=(
            "Two recurrent networks, and about 2·m·n·(units + d) operations for attention from m "
            "output words to n input words."
        ),
        used_in=(
            "Machine translation from 2014 to 2017",
            "Image captions and speech recognition",
            "The attention mechanism that transformers are built on",
        ),
        typical_size="Tens to hundreds of millions of parameters.",
        source=(
            "Bahdanau, Cho and Bengio (2014), Neural machine translation by jointly learning to "
            "align and translate, arXiv:1409.0473"
        ),
        graph=_graph(
            [
                ("source", "source words", "input", 0, 2),
                ("encoder", "recurrent encoder", "state", 1, 2),
                ("attention", "attention", "layer", 2, 1),
                ("target", "words so far", "input", 0, 0),
                ("decoder", "recurrent decoder", "state", 1, 0),
                ("output", "next word", "output", 3, 0),
            ],
            [
                ("source", "encoder"),
                ("target", "decoder"),
                ("decoder", "attention", "attention", "query"),
                ("encoder", "attention", "attention", "keys, values"),
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
        experiment="attention-2014",
    ),
    Description(
        id="transformer_encoder",
        name="Transformer, encoder",
        year=2017,
        idea=(
            "A transformer has no recurrence. In each block, every position attends to every "
            "other, and two dense layers then process each position separately. Residual "
            "connections add both results to the input of the layer. Positional encodings supply "
            "the order. An encoder attends in both directions, which suits complete texts."
        ),
        strengths=(
            "All positions are computed in parallel, which uses graphics cards well",
            "Attention connects any two positions in one step",
            "After pretraining on plain text it needs few examples for a task (BERT, 2018)",
        ),
        weaknesses=(
            "Compute and memory grow with the square of the length",
            "Without positional encodings it ignores the order",
            "It needs much data, because it makes few assumptions about it",
        ),
        cost=(
            "24·n·d² + 4·n²·d operations for a block with a hidden layer of 4·d; a path of "
            "length 1."
        ),
        used_in=(
            "Text search and classification",
            "Sentence embeddings",
            "Images, cut into patches (Dosovitskiy et al., 2020)",
        ),
        typical_size="BERT-base: 12 blocks of width 768, about 110 million parameters.",
        source="Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762",
        graph=_graph(
            [
                ("input", "tokens", "input", 0, 1),
                ("embedding", "embedding + positions", "layer", 1, 1),
                ("attention", "self-attention", "layer", 2, 1),
                ("add_1", "add & norm", "operation", 3, 1),
                ("feed_forward", "two dense layers", "layer", 4, 1),
                ("add_2", "add & norm", "operation", 5, 1),
                ("output", "a vector per position", "output", 6, 1),
            ],
            [
                ("input", "embedding"),
                ("embedding", "attention"),
                ("attention", "attention", "attention", "all positions"),
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
        experiment="encoder-2017",
    ),
    Description(
        id="transformer_decoder",
        name="Transformer, decoder",
        year=2018,
        idea=(
            "A decoder uses causal attention: each position attends to itself and the positions "
            "before it, and predicts the next token. One text therefore gives a training target "
            "for every token, all in one pass. To generate text, the decoder predicts one token "
            "after the other. Nearly every large language model today is built this way."
        ),
        strengths=(
            "It learns from plain text, which is plentiful and needs no labels",
            "The loss falls along a smooth curve as model and data grow (Kaplan et al., 2020)",
            "One model handles many tasks that are described in a prompt",
        ),
        weaknesses=(
            "It needs much text, because it makes few assumptions about it",
            "It generates text one token at a time",
            "Generation has to keep the keys and values of all tokens so far in memory",
            "Compute grows with the square of the length in training",
        ),
        cost=(
            "The same as the encoder, but the mask removes half of the attention weights; about "
            "2·N operations per token for a model of N parameters."
        ),
        used_in=("Language models such as GPT, Llama and Claude", "Code, dialogue, and tool use"),
        typical_size="GPT-2: 124 million to 1.5 billion parameters; GPT-3: 175 billion.",
        source=(
            "Radford et al. (2018), Improving language understanding by generative pre-training, "
            "OpenAI"
        ),
        graph=_graph(
            [
                ("input", "tokens so far", "input", 0, 1),
                ("embedding", "embedding + positions", "layer", 1, 1),
                ("attention", "causal self-attention", "layer", 2, 1),
                ("add_1", "add", "operation", 3, 1),
                ("feed_forward", "two dense layers", "layer", 4, 1),
                ("add_2", "add", "operation", 5, 1),
                ("output", "next token", "output", 6, 1),
            ],
            [
                ("input", "embedding"),
                ("embedding", "attention"),
                ("attention", "attention", "attention", "earlier positions only"),
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
        experiment="decoder-2018",
    ),
    Description(
        id="autoencoder",
        name="Autoencoder",
        year=2006,
        idea=(
            "The network learns to reproduce its own input through a narrow middle layer. The "
            "encoder compresses the input into a few numbers, the code, and the decoder "
            "reconstructs the input from them. It needs no labels."
        ),
        strengths=(
            "It learns from data without labels",
            "A large reconstruction error marks unusual data, and the code gives a map of the data",
        ),
        weaknesses=(
            "It keeps what varies most, which may not be what matters",
            "A point between two codes may decode to nothing sensible, unless training prevents "
            "that (Kingma and Welling, 2013)",
            "If the middle layer is too wide, the network copies its input without learning",
        ),
        cost="The same as a multi-layer perceptron of the same widths.",
        used_in=(
            "Compression and denoising",
            "Fault detection",
            "The first and last stage of latent diffusion models (Rombach et al., 2021)",
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
                ("output", "reconstruction", "output", 4, 1),
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
        experiment="autoencoder-2006",
    ),
    Description(
        id="diffusion",
        name="Diffusion model",
        year=2015,
        idea=(
            "Training mixes noise into samples, and the network learns to predict this noise. To "
            "make a sample, it starts from pure noise and removes a part of the noise that it "
            "predicts, step by step. With the class as a further input it makes samples of the "
            "class that it is asked for."
        ),
        strengths=(
            "It is trained with a squared error, which makes training stable",
            "Its samples are as varied as the data",
            "A condition, such as a class or a text, steers what it makes",
        ),
        weaknesses=(
            "A sample takes one pass through the network for each step, often dozens",
            "A linear network can only move, turn and scale the noise",
            "It learns what data look like, not whether a sample is true",
        ),
        cost="The cost of the network for each step of each sample; training takes one pass.",
        used_in=(
            "Images from text: Stable Diffusion (Rombach et al., 2021)",
            "Sound and video",
            "The shapes of proteins: AlphaFold 3 (Abramson et al., 2024)",
        ),
        typical_size=(
            "Millions to billions of parameters; the denoiser of Stable Diffusion has about 860 "
            "million."
        ),
        source=(
            "Sohl-Dickstein et al. (2015), Deep unsupervised learning using nonequilibrium "
            "thermodynamics, arXiv:1503.03585; the network that predicts the noise: Ho, Jain and "
            "Abbeel (2020), Denoising diffusion probabilistic models, arXiv:2006.11239"
        ),
        graph=_graph(
            [
                ("noisy", "noisy sample", "input", 0, 0),
                ("time", "time", "input", 0, 1),
                ("class", "class", "input", 0, 2),
                ("hidden_1", "dense + activation", "layer", 1, 1),
                ("hidden_2", "dense + activation", "layer", 2, 1),
                ("noise", "predicted noise", "state", 3, 1),
                ("remove", "remove a part", "operation", 4, 0),
                ("output", "clearer sample", "output", 5, 0),
            ],
            [
                ("noisy", "hidden_1"),
                ("time", "hidden_1"),
                ("class", "hidden_1"),
                ("hidden_1", "hidden_2"),
                ("hidden_2", "noise"),
                ("noise", "remove"),
                ("noisy", "remove"),
                ("remove", "output"),
            ],
        ),
        network=_network([75], _dense(256, "silu"), _dense(256, "silu"), _dense(64)),
        experiment="diffusion-2020",
    ),
)
