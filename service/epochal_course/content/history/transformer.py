"""2017: attention alone, without a state that is passed from letter to letter."""

from .parts import JsonObject, claim, experiment, preset_job
from .sequences import blocks, repeats

_SORTING = {
    **preset_job("sorting"),
    "epochs": 12,
    "target": {"metric": "validation_exact_match", "value": 0.99},
}
_GRU: JsonObject = {"type": "gru", "units": 64, "return_sequences": True}

TRANSFORMER = experiment(
    "transformer-2017",
    "Attention is all you need",
    "A block of self-attention reads six letters at once and puts them in order, with no error in "
    "99 of 100 words. Where random letters recur after 6 to 11 positions, two blocks find what "
    "followed the present letter before; a GRU with more parameters must carry everything in its "
    "state, and is correct less often (Vaswani and others). On words as short as these six "
    "letters a recurrent network would sort as well: what the transformer gains there is that it "
    "computes all positions at once. A single processor core cannot show that: with 32 "
    "letters instead of 8, an epoch of a GRU takes 4 times as long, one of attention 7 times.",
    {
        "sorting": _SORTING,
        "attention": repeats(blocks(2, 4, 32)),
        "recurrent": repeats([_GRU]),
    },
    [
        claim("Attention sorts letters", "sorting", "validation_exact_match", at_least=0.99),
        claim("Within 1,500 steps", "sorting", "steps", at_most=1500),
        claim(
            "It remembers better than a recurrent state",
            "attention",
            "validation_accuracy",
            "recurrent",
            at_least=0.05,
        ),
        claim(
            "And more often without an error",
            "attention",
            "validation_exact_match",
            "recurrent",
            at_least=0.1,
        ),
        claim("With fewer parameters", "attention", "parameters", "recurrent", below=0),
    ],
    year=2017,
    seconds=60.0,
)
