"""The timeline: eleven steps from the perceptron to today's models, with sourced numbers."""

from __future__ import annotations

from ..specs.content.timeline import Fact, Timeline, TimelineEntry

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

DEEPSEEK_V3 = "DeepSeek-AI (2024), DeepSeek-V3 technical report, arXiv:2412.19437"
DEEPSEEK_R1 = (
    "DeepSeek-AI (2025), DeepSeek-R1: incentivizing reasoning capability in LLMs via reinforcement "
    "learning, arXiv:2501.12948"
)
KIMI_K2 = "Kimi Team (2025), Kimi K2: open agentic intelligence, arXiv:2507.20534"

ENTRIES = (
    TimelineEntry(
        id="perceptron",
        year=1958,
        years="1958",
        title="The perceptron",
        what_changed=(
            "Frank Rosenblatt describes a neuron that learns: after each mistake, its weights move "
            "a little toward the correct output."
        ),
        why_it_mattered=(
            "A machine improved at a task from examples alone. In 1962 Novikoff proved that the "
            "rule converges whenever a straight line separates the classes."
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
            "Marvin Minsky and Seymour Papert prove what a single layer of perceptrons cannot "
            "compute. The smallest example is XOR: no straight line separates its ones from its "
            "zeros."
        ),
        why_it_mattered=(
            "Interest and funding declined for more than a decade. A hidden layer was known to "
            "solve the problem, but no good method to train one was in use."
        ),
        facts=[
            Fact(
                text="of the 16 Boolean functions of two inputs that one neuron can learn",
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
            "applied from the output backwards, computes the gradient of every hidden weight."
        ),
        why_it_mattered=(
            "Hidden layers could be trained, and they learned useful features that nobody had "
            "designed."
        ),
        facts=[
            Fact(
                text="backward pass that computes the gradients of all weights",
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
            "Yann LeCun and colleagues recognize handwritten digits with a convolutional network: "
            "small filters slide over the image and share their weights."
        ),
        why_it_mattered=(
            "Shared weights needed fewer parameters and less data than dense layers. Banks used "
            "the network to read checks, and later image networks kept its design of convolution "
            "and pooling."
        ),
        facts=[
            Fact(
                text="test error on the 10,000 test digits of MNIST, without distorted copies",
                value=0.95,
                unit="percent",
                source=LECUN,
            ),
            Fact(
                text="trainable parameters, with every feature map connected to all maps before it",
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
            "The lead over the second place was so large that computer vision adopted deep "
            "networks, large data sets and graphics cards within a few years."
        ),
        facts=[
            Fact(
                text="top-5 error of one network on the validation images",
                value=18.2,
                unit="percent",
                source=KRIZHEVSKY,
            ),
            Fact(
                text="top-5 test error of the winning entry, an average of seven networks",
                value=15.3,
                unit="percent",
                source=KRIZHEVSKY,
            ),
            Fact(
                text="top-5 test error of the second-best entry, which was not a deep network",
                value=26.2,
                unit="percent",
                source=KRIZHEVSKY,
            ),
            Fact(
                text="parameters of one network", value=60e6, unit="parameters", source=KRIZHEVSKY
            ),
        ],
        sources=[KRIZHEVSKY],
    ),
    TimelineEntry(
        id="attention",
        year=2014,
        years="2014",
        title="Attention",
        what_changed=(
            "Dzmitry Bahdanau, Kyunghyun Cho and Yoshua Bengio let a translation network attend to "
            "all words of the source sentence, with new attention weights for every word that it "
            "writes."
        ),
        why_it_mattered=(
            "The network no longer had to compress a sentence into one vector. Three years later, "
            "attention replaced recurrence completely."
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
            "Ashish Vaswani and seven colleagues remove recurrence. Their transformer uses "
            "attention and dense layers and processes all positions of a sequence at once."
        ),
        why_it_mattered=(
            "Training computes all positions in parallel instead of one word after the other, and "
            "that made much larger models practical."
        ),
        facts=[
            Fact(
                text="BLEU score for English to German (WMT 2014), over 2 above the previous best",
                value=28.4,
                unit="BLEU",
                source=VASWANI,
            ),
            Fact(
                text="of training for the large model on eight P100 cards",
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
            "Transformers are pretrained on large amounts of plain text, by predicting masked "
            "words (BERT) or the next token (GPT), and then fine-tuned for a task."
        ),
        why_it_mattered=(
            "Text without labels is cheap and plentiful. One expensive pretraining run serves many "
            "tasks, and each task then needs little data."
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
            "OpenAI trains the same kind of model with over a hundred times the parameters of "
            "GPT-2. A few examples in the prompt are enough for tasks that it was never fine-tuned "
            "for."
        ),
        why_it_mattered=(
            "Learning from examples in the prompt worked far better in the large model than in "
            "smaller ones, and prompts became a way to program."
        ),
        facts=[
            Fact(text="parameters of GPT-2", value=1.5e9, unit="parameters", source=GPT_2),
            Fact(text="parameters of GPT-3", value=175e9, unit="parameters", source=GPT_3),
            Fact(
                text="the parameters of GPT-2",
                value=175e9 / 1.5e9,
                unit="times",
                source="computed",
            ),
            Fact(text="training tokens", value=300e9, unit="tokens", source=GPT_3),
        ],
        sources=[GPT_3],
    ),
    TimelineEntry(
        id="chatgpt",
        year=2022,
        years="2022",
        title="ChatGPT",
        what_changed=(
            "OpenAI fine-tunes a language model on instructions and on human ratings of its "
            "answers, and offers it to everyone as a chat. The size of the model was not published."
        ),
        why_it_mattered=(
            "A model that continues text became an assistant that answers questions. For many "
            "people it was the first neural network that they knowingly talked to."
        ),
        facts=[
            Fact(
                text="parameters of the largest InstructGPT, a sibling of ChatGPT",
                value=175e9,
                unit="parameters",
                source=INSTRUCT,
            ),
            Fact(
                text="parameters of the smallest, which human raters preferred to GPT-3",
                value=1.3e9,
                unit="parameters",
                source=INSTRUCT,
            ),
        ],
        has_published_size=False,
        sources=[
            INSTRUCT,
            "OpenAI (30 November 2022), Introducing ChatGPT",
        ],
    ),
    TimelineEntry(
        id="frontier",
        year=2024,
        years="2024–26",
        title="Today's models",
        what_changed=(
            "GPT, Claude, Gemini, Llama, DeepSeek and other models read text and images, use "
            "tools, write and run code, and work through long tasks. Reinforcement learning trains "
            "them to reason step by step before they answer."
        ),
        why_it_mattered=(
            "One trained network now serves as a general tool. It is still built from the parts "
            "that this journey shows: weighted sums, activations, a loss, and gradients."
        ),
        facts=[
            Fact(
                text="parameters of Kimi K2 (2025), of which 32 billion are active for each token",
                value=1e12,
                unit="parameters",
                source=KIMI_K2,
            ),
            Fact(
                text="parameters of DeepSeek-V3 (2024), of which 37 billion are active",
                value=671e9,
                unit="parameters",
                source=DEEPSEEK_V3,
            ),
            Fact(
                text="parameters of Llama 3.1 405B (2024), all of them active",
                value=405e9,
                unit="parameters",
                source=LLAMA_3,
            ),
            Fact(
                text="training tokens of Llama 3.1 405B",
                value=15.6e12,
                unit="tokens",
                source=LLAMA_3,
            ),
            Fact(
                text="tokens in the longest context that Gemini 1.5 was tested with",
                value=10e6,
                unit="tokens",
                source=GEMINI,
            ),
        ],
        sources=[LLAMA_3, GEMINI, DEEPSEEK_V3, DEEPSEEK_R1, KIMI_K2],
    ),
)


def timeline() -> Timeline:
    """Return the eleven entries and the years they span."""
    first = ENTRIES[0].year
    return Timeline(
        entries=list(ENTRIES),
        first_year=first,
        last_year=LAST_YEAR,
        span_years=LAST_YEAR - first,
    )
