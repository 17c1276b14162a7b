"""The course: every idea on the way from one neuron to a language model, as a separate API.

    specs/       requests and replies
    explorers/   pure functions from a request to a reply, one file for each topic
    content/     sections, questions, architectures, timeline, presets
    methods.py   the methods that return the content
    api.py       the table of methods

It builds on the engine and on the training service, which do not know it.
"""
