"""An example for each method of `client.course.simulate`, which its docstring shows."""

EXAMPLES = {
    "activation": """
>>> client.course.simulate.activation("sigmoid").activations[0].largest_derivative
0.25
""",
    "activation_chain": """
>>> client.course.simulate.activation_chain("sigmoid", depth=10).label
'vanishing'
""",
    "approximation": """
>>> fits = client.course.simulate.approximation(widths=[1, 4], seeds=3).widths
>>> [fit.parameters for fit in fits], fits[1].median_error < fits[0].median_error
([4, 13], True)
""",
    "architecture": """
>>> reply = client.course.simulate.architecture(epochal.network([3], [epochal.dense(4)]))
>>> reply.parameters.substituted
'parameters = 16'
""",
    "attention": """
>>> keys, values = [[1, 0], [0, 1]], [[1], [3]]
>>> client.course.simulate.attention(queries=[[0, 0]], keys=keys, values=values).output[0]
array([2.])
""",
    "backward": """
>>> network = epochal.network([1], [epochal.dense(1)])
>>> weights = {"dense_1.weight": [[2]], "dense_1.bias": [0]}
>>> reply = client.course.simulate.backward(network, [3], [5], "mse", weights=weights)
>>> reply.loss.value, reply.layers[0].parameters[0].gradient[0]
(1.0, array([6.]))
""",
    "convolution": """
>>> client.course.simulate.convolution(signal=[1, 2, 4], kernel=[[-1, 1]]).output[0]
array([1., 2.])
""",
    "forward": """
>>> network = epochal.network([2], [epochal.dense(1)])
>>> weights = {"dense_1.weight": [[2], [3]], "dense_1.bias": [1]}
>>> client.course.simulate.forward(network, [10, 100], weights=weights).output
array([321.])
""",
    "gradient_flow": """
>>> client.course.simulate.gradient_flow(activation="sigmoid", depth=10).label
'vanishing'
""",
    "learning_rates": """
>>> rates = {"rates": 3, "lowest": 1e-6, "highest": 1e4}
>>> reply = client.course.simulate.learning_rates(epochs=50, **rates)
>>> [round(result.learning_rate, 6) for result in reply.results]
[1e-06, 0.1, 10000.0]
""",
    "loss": """
>>> trace = client.course.simulate.loss(0.7, 1, losses="binary_cross_entropy").losses[0]
>>> round(trace.value.value, 4), round(trace.logit_derivatives[0].value, 4)
(0.3567, -0.3)
""",
    "neuron": """
>>> reply = client.course.simulate.neuron([1, 0.5, 0.8], [0.7, -0.3, 0.5], bias=-0.2)
>>> reply.fires, round(reply.sigmoid.value, 3)
(True, 0.679)
""",
    "perceptron": """
>>> client.course.simulate.perceptron("and").weights
array([2., 1.])
>>> client.course.simulate.perceptron("xor").separable
False
""",
    "pooling": """
>>> client.course.simulate.pooling([[1, 2], [3, 4]]).output[0]
array([4.])
""",
    "positional_encoding": """
>>> client.course.simulate.positional_encoding(positions=4, units=2).encodings[0]
array([0., 1.])
""",
    "recurrence": """
>>> reply = client.course.simulate.recurrence([[1], [0], [0]], cell="gru", units=2)
>>> [state.shape for state in reply.states], reply.influence.shape
([(2,), (2,), (2,)], (3,))
""",
    "schedule": """
>>> from epochal import schedules
>>> cosine = schedules.cosine(final_fraction=0.1)
>>> client.course.simulate.schedule(cosine, learning_rate=3e-4).midpoint.value
0.000165
""",
    "sequence_cost": """
>>> client.course.simulate.sequence_cost(width=64).crossover_length
128.0
""",
    "token_loss": """
>>> reply = client.course.simulate.token_loss(target_probabilities=[0.5], vocabulary=1000)
>>> reply.bits.value
1.0
""",
    "tokenization": """
>>> reply = client.course.simulate.tokenization("the king", merges=60)
>>> [token.text for token in reply.tokens]
['t', 'he', ' ', 'k', 'ing']
""",
    "training": """
>>> reply = client.course.simulate.training(epochs=20)
>>> reply.train_loss.shape, len(reply.steps)
((20,), 3)
""",
    "transformer_cost": """
>>> client.course.simulate.transformer_cost("gpt-2").parameters.value
124439808.0
""",
    "vanishing_bars": """
>>> client.course.simulate.vanishing_bars(seed=889, seeds=1).matches_target
True
""",
    "xor": """
>>> reply = client.course.simulate.xor()
>>> [unit.gate for unit in reply.hidden_units], reply.solved
(['or', 'nand'], True)
""",
}
