"""The content of the journey: sections, architectures, timeline, presets, as data."""
