"""The methods of the API, once for both wires: one function per method, one file per noun."""
