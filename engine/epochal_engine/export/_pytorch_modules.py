"""Modules that PyTorch lacks or defines differently. A program includes those it calls."""

from __future__ import annotations

_GRU = '''class Gru(nn.Module):
    """The GRU of Cho et al. (2014): the reset gate acts before the product, in nn.GRU after it."""

    def __init__(self, features, units):
        super().__init__()
        self.inflow = nn.Linear(features, 3 * units)
        self.gates = nn.Linear(units, 2 * units, bias=False)
        self.candidate = nn.Linear(units, units, bias=False)

    def forward(self, x):
        h = x.new_zeros(len(x), self.candidate.in_features)
        states = []
        for x_t in self.inflow(x).unbind(1):
            update, reset, candidate = x_t.chunk(3, -1)
            to_update, to_reset = self.gates(h).chunk(2, -1)
            update, reset = torch.sigmoid(update + to_update), torch.sigmoid(reset + to_reset)
            candidate = torch.tanh(candidate + self.candidate(reset * h))
            h = update * h + (1 - update) * candidate
            states.append(h)
        return torch.stack(states, 1), h


'''

_SINUSOIDS = '''def sinusoids(x):
    """Return the positional encoding of x (n, length, units)."""
    length, units = x.shape[1:]
    unit = torch.arange(units, dtype=torch.float64)
    angle = torch.arange(length)[:, None] / 10_000 ** ((unit - unit % 2) / units)
    return torch.where(unit % 2 == 0, angle.sin(), angle.cos()).to(x)


'''

_ADDITIVE_ATTENTION = '''class AdditiveAttention(nn.Module):
    """Attention of each position of the query to the memory, by a network of one hidden layer."""

    def __init__(self, features, memory_features, units):
        super().__init__()
        self.query = nn.Linear(features, units, bias=False)
        self.memory = nn.Linear(memory_features, units, bias=False)
        self.score = nn.Linear(units, 1, bias=False)

    def forward(self, query, memory):
        hidden = torch.tanh(self.query(query)[:, :, None] + self.memory(memory)[:, None])
        return torch.softmax(self.score(hidden).squeeze(-1), -1) @ memory


'''

_ATTENTION = '''class Attention(nn.Module):
    """Multi-head attention of each position of the query to the memory."""

    def __init__(self, features, memory_features, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.query = nn.Linear(features, features)
        self.key = nn.Linear(memory_features, features)
        self.value = nn.Linear(memory_features, features)
        self.output = nn.Linear(features, features)

    def forward(self, query, memory):
        projected = self.query(query), self.key(memory), self.value(memory)
        queries, keys, values = (
            x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in projected
        )
        attended = F.scaled_dot_product_attention(queries, keys, values, is_causal=self.causal)
        return self.output(attended.transpose(1, 2).flatten(2))


'''

_TRANSFORMER_BLOCK = '''class TransformerBlock(nn.Module):
    """x plus attention, plus two dense layers at every position."""

    def __init__(self, features, heads, hidden, norm, causal, dropout, activation):
        super().__init__()
        self.norm, self.activation = norm, activation
        self.attention_norm = nn.LayerNorm(features)
        self.attention = Attention(features, features, heads, causal)
        self.output_norm = nn.LayerNorm(features)
        self.hidden = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, features)
        self.dropout = nn.Dropout(dropout)

    def attend(self, x):
        return self.dropout(self.attention(x, x))

    def feed_forward(self, x):
        return self.dropout(self.output(self.activation(self.hidden(x))))

    def forward(self, x):
        if self.norm == "pre":
            x = x + self.attend(self.attention_norm(x))
            return x + self.feed_forward(self.output_norm(x))
        x = self.attention_norm(x + self.attend(x))
        return self.output_norm(x + self.feed_forward(x))


'''

MODULES = {
    "Gru": _GRU,
    "sinusoids": _SINUSOIDS,
    "AdditiveAttention": _ADDITIVE_ATTENTION,
    "Attention": _ATTENTION,
    "TransformerBlock": _TRANSFORMER_BLOCK,
}
"""The sources by function name, each after the sources that it calls."""
