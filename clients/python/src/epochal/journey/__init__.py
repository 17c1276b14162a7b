"""The content of the journey: what it tells, and from where it knows."""

from __future__ import annotations

from ..records import read
from ..session import Session
from .activations import ActivationDescription, Activations
from .architectures import Architecture, Architectures, Graph, GraphEdge, GraphNode
from .losses import Losses, LossFacts
from .models import Model, Models
from .neuron_parts import NeuronPart, NeuronParts
from .presets import Expectation, Preset, Presets
from .sections import CheckedAnswer, ExplorerReference, Question, Section, Sections
from .timeline import Fact, Timeline, TimelineEntry

__all__ = [
    "ActivationDescription",
    "Architecture",
    "CheckedAnswer",
    "Expectation",
    "ExplorerReference",
    "Fact",
    "Graph",
    "GraphEdge",
    "GraphNode",
    "Journey",
    "LossFacts",
    "Model",
    "NeuronPart",
    "NeuronParts",
    "Preset",
    "Question",
    "Section",
    "Timeline",
    "TimelineEntry",
]


class Journey:
    """`client.journey`: read only."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def neuron_parts(self) -> NeuronParts:
        """A nerve cell and its model, part by part, and where the likeness ends."""
        return read(NeuronParts, self._session.call("ListNeuronParts", {}))

    def activations(self) -> tuple[ActivationDescription, ...]:
        """What is known of each activation: formulas, history, use, trouble, gain."""
        return read(Activations, self._session.call("ListActivations", {})).activations

    def models(self) -> tuple[Model, ...]:
        """Famous networks, smallest first, and how their numbers come about."""
        return read(Models, self._session.call("ListModels", {})).models

    def losses(self) -> tuple[LossFacts, ...]:
        """What is known of each loss: formulas, slopes, use, trouble, source."""
        return read(Losses, self._session.call("ListLosses", {})).losses

    def architectures(self) -> tuple[Architecture, ...]:
        """The zoo: from dense layers to the transformer, and the autoencoder last."""
        return read(Architectures, self._session.call("ListArchitectures", {})).architectures

    def architecture(self, architecture_id: str) -> Architecture:
        """One kind of network, e.g. `lstm`. Raises `NotFound`."""
        return read(Architecture, self._session.call("GetArchitecture", {"id": architecture_id}))

    def sections(self) -> tuple[Section, ...]:
        """The ten sections, in order."""
        return read(Sections, self._session.call("ListSections", {})).sections

    def section(self, section_id: str) -> Section:
        """One section, e.g. `neuron`. Raises `NotFound`."""
        return read(Section, self._session.call("GetSection", {"id": section_id}))

    def check(self, section_id: str, question: str, answer: float) -> CheckedAnswer:
        """Whether an answer is right: a number, or which of the choices, counted from 0.

        Raises `NotFound`, and `InvalidArgument` where the section has no such question.

        >>> client.journey.check("neuron", "weighted-sum", 0.75).correct
        True
        """
        fields = {"id": section_id, "question": question, "answer": answer}
        return read(CheckedAnswer, self._session.call("CheckAnswer", fields))

    def presets(self) -> tuple[Preset, ...]:
        """Ready jobs with what comes of them, in the order of the journey."""
        return read(Presets, self._session.call("ListPresets", {})).presets

    def preset(self, name: str) -> Preset:
        """The ready job of this name. Raises `NotFound`."""
        return read(Preset, self._session.call("GetPreset", {"id": name}))

    def timeline(self) -> Timeline:
        """From one artificial neuron to the language models of today, oldest first."""
        return read(Timeline, self._session.call("GetTimeline", {}))
