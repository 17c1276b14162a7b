"""What each method of the API means, once for both wires: one function each, one file a noun."""
