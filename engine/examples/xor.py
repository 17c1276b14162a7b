"""XOR from nothing: four answers, seventeen numbers, and the four steps of every training.

Run it with `python engine/examples/xor.py`. The first half does one step by hand, so that every
number of it can be looked at; the second half lets the engine do five hundred.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from epochal_engine import LOSSES, Adam, Data, Dense, Network, Run, Training, predict, summarize

# 1. The task. One of two, but not both: no straight line parts the ones from the zeros.
inputs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
targets = np.array([[0.0], [1.0], [1.0], [0.0]])

# 2. The network: two inputs, four nonlinear hidden units, one output that is a probability.
network = Network((2,), (Dense(4, "tanh"), Dense(1, "sigmoid")))
for layer in summarize(network).layers:
    print(f"{layer.name}: {layer.parameters_formula} = {layer.parameters} numbers to learn")

# 3. One step, by hand. It begins with random weights, which know nothing.
weights = network.initial_parameters(rng=np.random.default_rng(0))

#    Forward: what does the network say now?
before = inputs @ weights["dense_1.weight"] + weights["dense_1.bias"]
hidden = np.tanh(before)
logits = hidden @ weights["dense_2.weight"] + weights["dense_2.bias"]
answers = 1 / (1 + np.exp(-logits))

#    Loss: how wrong is that, in one number?
loss = LOSSES["binary_cross_entropy"].value(answers, targets)
print(f"\nanswers {answers.round(2).ravel()}, wanted {targets.ravel()}, loss {loss:.4f}")

#    Backward: what caused the error? It goes back through the same weights, by the chain rule.
error = (answers - targets) / len(inputs)
gradients = {
    "dense_2.weight": hidden.T @ error,
    "dense_2.bias": error.sum(axis=0),
}
error = error @ weights["dense_2.weight"].T * (1 - hidden**2)
gradients |= {"dense_1.weight": inputs.T @ error, "dense_1.bias": error.sum(axis=0)}

#    Update: every number moves a little against its slope.
for name, slope in gradients.items():
    weights[name] -= 0.5 * slope
answers = predict(network, weights, inputs)
print(f"after one step the loss is {LOSSES['binary_cross_entropy'].value(answers, targets):.4f}")

# 4. Five hundred of them, by the engine: it has derived the backward pass from the forward one.
run = Run(network, Training("binary_cross_entropy", Adam(0.05), 500), Data(inputs, targets))
for epoch in run:
    if epoch in (1, 10, 50, 100, 500):
        (block,) = run.take()
        print(f"epoch {epoch:3}: loss {block.columns['train_loss'][-1]:.4f}")

# 5. The trained network.
for question, answer in zip(inputs, predict(network, run.weights(), inputs), strict=True):
    print(f"{question[0]:.0f} xor {question[1]:.0f} is 1 with probability {answer[0]:.3f}")
