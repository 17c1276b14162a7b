"""Optimizers in plain NumPy: a training program includes the one that it uses.

They share nothing with the engine. Each changes the weights in place, given the gradient, what it
carries from step to step, the learning rate and the number of the step. In a PyTorch program,
`torch.` stands for `np.`.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

import math

import numpy as np


def is_matrix(array):
    """Return whether weight decay applies: to weights, not to biases and norms."""
    return array.ndim > 1


def sgd(w, gradient, moments, rate, t):
    for name, g in gradient.items():
        w[name] -= rate * g


def perceptron_rule(w, gradient, moments, rate, t):
    for name, g in gradient.items():
        w[name] -= rate * g


def momentum(w, gradient, moments, rate, t, momentum):
    for name, g in gradient.items():
        (v,) = moments[name]
        v *= momentum
        v += g
        w[name] -= rate * v


def nesterov(w, gradient, moments, rate, t, momentum):
    for name, g in gradient.items():
        (v,) = moments[name]
        v *= momentum
        v += g
        w[name] -= rate * (momentum * v + g)


def adagrad(w, gradient, moments, rate, t, epsilon):
    for name, g in gradient.items():
        (s,) = moments[name]
        s += g**2
        w[name] -= rate * g / (np.sqrt(s) + epsilon)


def rmsprop(w, gradient, moments, rate, t, decay, epsilon):
    for name, g in gradient.items():
        (s,) = moments[name]
        s *= decay
        s += (1.0 - decay) * g**2
        w[name] -= rate * g / (np.sqrt(s) + epsilon)


def adam(w, gradient, moments, rate, t, beta_1, beta_2, epsilon):
    for name, g in gradient.items():
        m, v = moments[name]
        m *= beta_1
        m += (1.0 - beta_1) * g
        v *= beta_2
        v += (1.0 - beta_2) * g**2
        m_hat, v_hat = m / (1.0 - beta_1**t), v / (1.0 - beta_2**t)
        w[name] -= rate * m_hat / (np.sqrt(v_hat) + epsilon)


def adamw(w, gradient, moments, rate, t, beta_1, beta_2, epsilon, weight_decay):
    for name in gradient:
        if is_matrix(w[name]):
            w[name] -= rate * weight_decay * w[name]
    adam(w, gradient, moments, rate, t, beta_1, beta_2, epsilon)


def lion(w, gradient, moments, rate, t, beta_1, beta_2, weight_decay):
    for name, g in gradient.items():
        (m,) = moments[name]
        if is_matrix(w[name]):
            w[name] -= rate * weight_decay * w[name]
        w[name] -= rate * np.sign(beta_1 * m + (1.0 - beta_1) * g)
        m *= beta_2
        m += (1.0 - beta_2) * g


def orthogonalized(matrix):
    """Return the matrix (fan_in, units) with all singular values near √max(1, units / fan_in)."""
    fan_in, units = matrix.shape
    x = matrix if fan_in <= units else matrix.T
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(5):  # Newton-Schulz iteration
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x if fan_in <= units else x.T) * math.sqrt(max(1.0, units / fan_in))


def muon(w, gradient, moments, rate, t, hidden, momentum, weight_decay, adam_fraction, **of_adam):
    """Orthogonalized momentum for the hidden matrices, AdamW for the other weights."""
    for name, g in gradient.items():
        factor = rate if name in hidden else rate * adam_fraction
        if is_matrix(w[name]):
            w[name] -= factor * weight_decay * w[name]
        if name in hidden:
            v, _ = moments[name]
            v *= momentum
            v += g
            matrix = (momentum * v + g).reshape(-1, g.shape[-1])
            w[name] -= rate * orthogonalized(matrix).reshape(g.shape)
        else:
            adam(w, {name: g}, moments, factor, t, **of_adam)
