"""2022: what people prefer becomes what a language model writes."""

from ...specs.content.preset_experiments import FirstCurves
from .parts import JsonObject, claim, dense, experiment, network

LENGTH = 24
WANTED = ["bright", "moon"]
"""The words that the judge prefers, as in the data set `preferences`."""

_WRITER = network(
    LENGTH,
    [
        {"type": "embedding", "vocabulary": 25, "units": 32},
        {"type": "positional_encoding", "kind": "learned"},
        {"type": "transformer_block", "heads": 4, "hidden": 64, "causal": True},
        {"type": "layer_norm"},
        *dense(24, output="softmax"),
    ],
)
_READER = network(
    LENGTH,
    [
        {"type": "embedding", "vocabulary": 25, "units": 16},
        {"type": "conv1d", "filters": 32, "kernel_size": 5, "activation": "relu"},
        {"type": "global_average_pool"},
        *dense(1, output="linear"),
    ],
)
_CLIPPED: JsonObject = {"clipping": {"norm": 1}}


def _adam(rate: float) -> JsonObject:
    return {"optimizer": {"type": "adam", "learning_rate": rate}, **_CLIPPED}


def _sentences(samples: int) -> JsonObject:
    return {"name": "sentences", "samples": samples, "length": LENGTH}


def _pairs(pairs: int) -> JsonObject:
    return {"name": "preferences", "samples": 2 * pairs, "length": LENGTH}


def _preference(beta: float) -> JsonObject:
    """Return the job that learns from pairs alone."""
    return {
        "network": _WRITER,
        "dataset": _pairs(1_000),
        "loss": "preference",
        "loss_options": {"beta": beta},
        "initial_weights": {"job": "base"},
        "validation_fraction": 0.2,
        "epochs": 3,
        **_adam(3e-4),
    }


_RULE: JsonObject = {"type": "count", "texts": WANTED}
_LEARNED: JsonObject = {"type": "job", "job": "reward-model"}


def _rollouts(
    start: str, epochs: int, beta: float, samples: int = 64, reward: JsonObject = _RULE
) -> JsonObject:
    """Return the job that learns from rewards; one of a single epoch measures its start."""
    return {
        "network": _WRITER,
        "dataset": _sentences(samples),
        "loss": "cross_entropy",
        "initial_weights": {"job": start},
        "rollouts": {"reward": reward, "beta": beta, "grammar": "sentences"},
        "batch_size": samples,
        "epochs": epochs,
        **_adam(3e-3),
    }


CHATGPT = experiment(
    "chatgpt-2022",
    "What people prefer becomes what is written",
    "A language model learns sentences. Then it learns what a judge prefers, from pairs or from "
    "rewards. Rewards are those of the judge, or of a reward model that has learned from 300 of "
    "its judgments. Without a term that keeps it near the language it no longer writes sentences: "
    "the reward is hacked. The judge is a rule here, not people.",
    {
        "base": {
            "network": _WRITER,
            "dataset": _sentences(2_000),
            "loss": "cross_entropy",
            "validation_fraction": 0.2,
            "schedule": {"type": "cosine"},
            "epochs": 10,
            **_adam(0.005),
        },
        "base-writes": _rollouts("base", 1, 0.1, 512),
        "reward-model": {
            "network": _READER,
            "dataset": _pairs(300),
            "loss": "preference",
            "validation_fraction": 0.2,
            # A reward model that is too sure of itself pays too much for a word.
            "regularization": {"l2": 0.01},
            "epochs": 40,
            **_adam(0.01),
        },
        "preference-near": _preference(1.0),
        "preference-near-writes": _rollouts("preference-near", 1, 0.1, 512),
        "preference-far": _preference(0.1),
        "preference-far-writes": _rollouts("preference-far", 1, 0.1, 512),
        "rollouts-near": _rollouts("base", 80, 0.1),
        "rollouts-free": _rollouts("base", 80, 0.0),
        "learned-near": _rollouts("base", 40, 0.7, reward=_LEARNED),
        "learned-near-writes": _rollouts("learned-near", 1, 0.1, 512),
        "learned-free": _rollouts("base", 40, 0.0, reward=_LEARNED),
    },
    [
        claim(
            "A reward model learns the judge", "reward-model", "validation_accuracy", at_least=0.9
        ),
        claim("The base seldom writes what is preferred", "base-writes", "reward", at_most=0.4),
        claim(
            "After learning from pairs it writes three times as much of it",
            "preference-near-writes",
            "reward",
            at_least=1.2,
        ),
        claim("And still in sentences", "preference-near-writes", "valid", at_least=0.6),
        claim(
            "With a small beta it moves too far away from them",
            "preference-near-writes",
            "valid",
            "preference-far-writes",
            at_least=0.1,
        ),
        claim(
            "After learning from rewards it writes three times as much of it",
            "rollouts-near",
            "reward",
            at_least=1.2,
        ),
        claim(
            "And nearly as many of its texts are valid",
            "rollouts-near",
            "valid",
            "base-writes",
            at_least=-0.13,
        ),
        claim(
            "Without the KL penalty it gets the reward as well",
            "rollouts-free",
            "reward",
            at_least=1.2,
        ),
        claim("But it no longer writes sentences", "rollouts-free", "valid", below=0.3),
        claim(
            "It has moved far away from the base",
            "rollouts-free",
            "kl",
            "rollouts-near",
            at_least=5.0,
        ),
        claim(
            "After learning from the reward model it writes three times as much of what the judge "
            "prefers",
            "learned-near-writes",
            "reward",
            at_least=1.2,
        ),
        claim("And still in sentences", "learned-near-writes", "valid", at_least=0.5),
        claim(
            "Without the KL penalty the reward model pays more",
            "learned-free",
            "reward",
            "learned-near",
            at_least=2.0,
        ),
        claim("But for texts that are no sentences", "learned-free", "valid", below=0.3),
    ],
    year=2022,
    seconds=40.0,
    first_curves=FirstCurves(
        metrics=["reward", "kl", "valid"], jobs=["rollouts-near", "rollouts-free"]
    ),
)
