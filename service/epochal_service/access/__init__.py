"""Who may call: keys, classes and tokens of streams."""
