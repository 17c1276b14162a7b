"""The content of the journey as data: sections, questions, architectures, timeline, presets."""
