"""Eleven steps from the perceptron to the models of today, each number with its source."""

from __future__ import annotations

from ..specs.journey.timeline import Fact, Timeline, TimelineEntry

LAST_YEAR = 2026

ROSENBLATT = (
    "Rosenblatt (1958), The perceptron: a probabilistic model for information storage and "
    "organization in the brain, Psychological Review 65, doi:10.1037/h0042519"
)
NOVIKOFF = (
    "Novikoff (1962), On convergence proofs on perceptrons, Proceedings of the Symposium on the "
    "Mathematical Theory of Automata 12"
)
MINSKY = "Minsky and Papert (1969), Perceptrons, MIT Press"
RUMELHART = (
    "Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating errors, "
    "Nature 323, doi:10.1038/323533a0"
)
LECUN = (
    "LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document "
    "recognition, Proceedings of the IEEE 86, doi:10.1109/5.726791"
)
KRIZHEVSKY = (
    "Krizhevsky, Sutskever and Hinton (2012), ImageNet classification with deep convolutional "
    "neural networks, NeurIPS 25"
)
BAHDANAU = (
    "Bahdanau, Cho and Bengio (2014), Neural machine translation by jointly learning to align and "
    "translate, arXiv:1409.0473"
)
VASWANI = "Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762"
DEVLIN = (
    "Devlin et al. (2018), BERT: pre-training of deep bidirectional transformers, arXiv:1810.04805"
)
GPT = "Radford et al. (2018), Improving language understanding by generative pre-training, OpenAI"
GPT_2 = "Radford et al. (2019), Language models are unsupervised multitask learners, OpenAI"
GPT_3 = "Brown et al. (2020), Language models are few-shot learners, arXiv:2005.14165"
INSTRUCT = (
    "Ouyang et al. (2022), Training language models to follow instructions with human feedback, "
    "arXiv:2203.02155"
)
LLAMA_3 = "Grattafiori et al. (2024), The Llama 3 herd of models, arXiv:2407.21783"
GEMINI = (
    "Gemini Team (2024), Gemini 1.5: unlocking multimodal understanding across millions of tokens "
    "of context, arXiv:2403.05530"
)

ENTRIES = (
    TimelineEntry(
        id="perceptron",
        year=1958,
        years="1958",
        title="The perceptron",
        what_changed=(
            "Frank Rosenblatt describes a neuron that is not wired but taught: after each mistake "
            "its weights move a little towards the right answer."
        ),
        why_it_mattered=(
            "A machine got better at a task from examples alone. A few years later it was proved "
            "that it succeeds whenever a straight line between the classes exists."
        ),
        facts=[
            Fact(
                text="weights and bias of a perceptron with two inputs",
                value=3,
                unit="parameters",
                source="computed",
            ),
        ],
        sources=[ROSENBLATT, NOVIKOFF],
        preset="perceptron-and",
    ),
    TimelineEntry(
        id="xor",
        year=1969,
        years="1969",
        title="The XOR problem",
        what_changed=(
            "Marvin Minsky and Seymour Papert work out what a single layer of perceptrons cannot "
            "do. Exclusive or is the smallest case: no line has its two ones on one side."
        ),
        why_it_mattered=(
            "Interest and money moved away for over a decade. The way out, a hidden layer, was "
            "known; a way to train one was not."
        ),
        facts=[
            Fact(
                text="Boolean functions of two inputs that one neuron can learn, of 16",
                value=14,
                unit="functions",
                source="computed",
            ),
        ],
        sources=[MINSKY],
        preset="xor",
    ),
    TimelineEntry(
        id="backpropagation",
        year=1986,
        years="1986",
        title="Backpropagation",
        what_changed=(
            "David Rumelhart, Geoffrey Hinton and Ronald Williams show that the chain rule, "
            "applied from the output backwards, tells every hidden weight its share of the error."
        ),
        why_it_mattered=(
            "Layers in the middle could be trained, and were seen to find features of their own "
            "that nobody had designed."
        ),
        facts=[
            Fact(
                text="backward passes that the gradient of all weights costs",
                value=1,
                unit="pass",
                source=RUMELHART,
            ),
        ],
        sources=[RUMELHART],
        preset="moons",
    ),
    TimelineEntry(
        id="lenet",
        year=1998,
        years="1998",
        title="LeNet-5",
        what_changed=(
            "Yann LeCun and colleagues read handwritten digits with a network whose small windows "
            "slide over the image and share their weights."
        ),
        why_it_mattered=(
            "Knowing that a picture is a picture saved weights and data. Banks read checks with "
            "it, and the shape of every later image network was there."
        ),
        facts=[
            Fact(
                text="wrong answers on the 10,000 test digits of MNIST, without distorted copies",
                value=0.95,
                unit="percent",
                source=LECUN,
            ),
            Fact(
                text="trainable parameters, with every map of a layer joined to all maps before it",
                value=61706,
                unit="parameters",
                source="computed",
            ),
        ],
        sources=[LECUN],
        preset="lenet",
    ),
    TimelineEntry(
        id="alexnet",
        year=2012,
        years="2012",
        title="AlexNet",
        what_changed=(
            "Alex Krizhevsky, Ilya Sutskever and Geoffrey Hinton train a deep convolutional "
            "network with ReLU and dropout on two graphics cards and win the ImageNet contest."
        ),
        why_it_mattered=(
            "The distance to the second place was so large that computer vision changed its tools "
            "within a year: depth, data and graphics cards belonged together."
        ),
        facts=[
            Fact(
                text="test images whose label was not among its five guesses",
                value=15.3,
                unit="percent",
                source=KRIZHEVSKY,
            ),
            Fact(
                text="the same for the best entry that was not a deep network",
                value=26.2,
                unit="percent",
                source=KRIZHEVSKY,
            ),
            Fact(text="parameters", value=60e6, unit="parameters", source=KRIZHEVSKY),
        ],
        sources=[KRIZHEVSKY],
    ),
    TimelineEntry(
        id="attention",
        year=2014,
        years="2014",
        title="Attention",
        what_changed=(
            "Dzmitry Bahdanau, Kyunghyun Cho and Yoshua Bengio let a translator look back at all "
            "words of the sentence and weigh them anew for every word that it writes."
        ),
        why_it_mattered=(
            "A sentence no longer had to fit into one vector. What was an aid to recurrent "
            "networks turned out to be enough by itself three years later."
        ),
        facts=[],
        sources=[BAHDANAU],
        preset="reversal",
    ),
    TimelineEntry(
        id="transformer",
        year=2017,
        years="2017",
        title="The transformer",
        what_changed=(
            "Ashish Vaswani and seven colleagues leave recurrence out: attention and dense layers "
            "alone, all places of a sequence at once."
        ),
        why_it_mattered=(
            "Training no longer waits for one word after the other. What can be computed side by "
            "side can be made large."
        ),
        facts=[
            Fact(
                text="BLEU for English to German (WMT 2014), over 2 more than the best before",
                value=28.4,
                unit="BLEU",
                source=VASWANI,
            ),
            Fact(
                text="training of the large model on eight P100 cards",
                value=3.5,
                unit="days",
                source=VASWANI,
            ),
        ],
        sources=[VASWANI],
        preset="sorting",
    ),
    TimelineEntry(
        id="pretraining",
        year=2018,
        years="2018",
        title="BERT and GPT",
        what_changed=(
            "Transformers first read large amounts of plain text, by filling gaps (BERT) or by "
            "guessing the next word (GPT), and are tuned to a task afterwards."
        ),
        why_it_mattered=(
            "Text without labels is nearly free. One costly reading served many tasks, each with "
            "little data of its own."
        ),
        facts=[
            Fact(text="parameters of BERT-large", value=340e6, unit="parameters", source=DEVLIN),
            Fact(text="parameters of GPT", value=117e6, unit="parameters", source=GPT_2),
        ],
        sources=[DEVLIN, GPT],
        preset="sentences",
    ),
    TimelineEntry(
        id="gpt-3",
        year=2020,
        years="2020",
        title="GPT-3",
        what_changed=(
            "The same idea, two powers of ten larger. A few examples in the prompt were enough for "
            "tasks that the model had never been tuned for."
        ),
        why_it_mattered=(
            "Size alone had brought abilities that smaller models did not show, and made the "
            "prompt a way to program."
        ),
        facts=[
            Fact(text="parameters of GPT-2", value=1.5e9, unit="parameters", source=GPT_2),
            Fact(text="parameters of GPT-3", value=175e9, unit="parameters", source=GPT_3),
            Fact(text="GPT-3 over GPT-2", value=175e9 / 1.5e9, unit="times", source="computed"),
            Fact(text="tokens that it was trained on", value=300e9, unit="tokens", source=GPT_3),
        ],
        sources=[GPT_3],
    ),
    TimelineEntry(
        id="chatgpt",
        year=2022,
        years="2022",
        title="ChatGPT",
        what_changed=(
            "Language models are tuned on instructions and on people's judgement of their answers, "
            "and put behind a chat window that everybody may use."
        ),
        why_it_mattered=(
            "Continuing a text became answering a question. For many people it was the first "
            "neural network that they knowingly spoke to."
        ),
        facts=[
            Fact(
                text="parameters of a tuned model whose answers people preferred to GPT-3's",
                value=1.3e9,
                unit="parameters",
                source=INSTRUCT,
            ),
        ],
        sources=[
            INSTRUCT,
            "OpenAI (30 November 2022), Introducing ChatGPT",
        ],
    ),
    TimelineEntry(
        id="frontier",
        year=2024,
        years="2024–26",
        title="Models of today",
        what_changed=(
            "GPT-4, Claude, Gemini, Llama and others read text, images and sound, use tools, write "
            "and run code, and work on long tasks in many steps."
        ),
        why_it_mattered=(
            "A trained network has become a general tool. Underneath it is still what this journey "
            "shows: weighted sums, an activation, a loss, and its gradient."
        ),
        facts=[
            Fact(
                text="parameters of Llama 3.1 405B, one of the largest whose size is published",
                value=405e9,
                unit="parameters",
                source=LLAMA_3,
            ),
            Fact(
                text="tokens that it was trained on",
                value=15.6e12,
                unit="tokens",
                source=LLAMA_3,
            ),
            Fact(
                text="tokens that Gemini 1.5 was tested on at once",
                value=10e6,
                unit="tokens",
                source=GEMINI,
            ),
        ],
        sources=[LLAMA_3, GEMINI],
    ),
)


def timeline() -> Timeline:
    """The eleven entries, and the years that they span."""
    first = ENTRIES[0].year
    return Timeline(
        entries=list(ENTRIES),
        first_year=first,
        last_year=LAST_YEAR,
        span_years=LAST_YEAR - first,
    )
