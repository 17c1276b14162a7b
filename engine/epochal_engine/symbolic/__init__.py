"""Formulas that are traced, differentiated and laid out as a flat list of NumPy calls."""
