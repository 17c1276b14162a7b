"""What PyTorch lacks, or has otherwise: a program defines those of these that it calls."""

from __future__ import annotations

_GRU = '''class Gru(nn.Module):
    """As Cho et al. (2014) have it: the reset gate acts before the product, in nn.GRU after it."""

    def __init__(self, features, units):
        super().__init__()
        self.inflow = nn.Linear(features, 3 * units)
        self.gates = nn.Linear(units, 2 * units, bias=False)
        self.candidate = nn.Linear(units, units, bias=False)

    def forward(self, x):
        h = x.new_zeros(len(x), self.candidate.in_features)
        states = []
        for place in self.inflow(x).unbind(1):
            keep, reset, candidate = place.chunk(3, -1)
            to_keep, to_reset = self.gates(h).chunk(2, -1)
            keep, reset = torch.sigmoid(keep + to_keep), torch.sigmoid(reset + to_reset)
            candidate = torch.tanh(candidate + self.candidate(reset * h))
            h = keep * h + (1 - keep) * candidate
            states.append(h)
        return torch.stack(states, 1), h


'''

_SINUSOIDS = '''def sinusoids(x):
    """Sines and cosines that tell the places of x (n, places, units) apart."""
    places, units = x.shape[1:]
    unit = torch.arange(units, dtype=torch.float64)
    angle = torch.arange(places)[:, None] / 10_000 ** ((unit - unit % 2) / units)
    return torch.where(unit % 2 == 0, angle.sin(), angle.cos()).to(x)


'''

_ADDITIVE_ATTENTION = '''class AdditiveAttention(nn.Module):
    """Each place of the query looks up in the memory, by a network of one hidden layer."""

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
    """Each place of the query looks up in the memory, by heads side by side."""

    def __init__(self, features, memory_features, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.query = nn.Linear(features, features)
        self.key = nn.Linear(memory_features, features)
        self.value = nn.Linear(memory_features, features)
        self.output = nn.Linear(features, features)

    def forward(self, query, memory):
        projected = self.query(query), self.key(memory), self.value(memory)
        asked, keys, values = (
            x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in projected
        )
        found = F.scaled_dot_product_attention(asked, keys, values, is_causal=self.causal)
        return self.output(found.transpose(1, 2).flatten(2))


'''

_TRANSFORMER_BLOCK = '''class TransformerBlock(nn.Module):
    """Attention, then two dense layers at every place, each added to what it was made from."""

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

    def think(self, x):
        return self.dropout(self.output(self.activation(self.hidden(x))))

    def forward(self, x):
        if self.norm == "pre":
            x = x + self.attend(self.attention_norm(x))
            return x + self.think(self.output_norm(x))
        x = self.attention_norm(x + self.attend(x))
        return self.output_norm(x + self.think(x))


'''

MODULES = {
    "Gru": _GRU,
    "sinusoids": _SINUSOIDS,
    "AdditiveAttention": _ADDITIVE_ATTENTION,
    "Attention": _ATTENTION,
    "TransformerBlock": _TRANSFORMER_BLOCK,
}
"""The sources by the name that is called, each after those that it calls itself."""
