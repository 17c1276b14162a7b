"""The parts of a network, each a table from a name in the API to one record."""
