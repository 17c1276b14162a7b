"""The content of the journey: sections, presets, architectures, models, history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .records import read
from .session import Part, Session
from .simulations import Simulations
from .types import (
    ActivationDescription,
    Activations,
    Architecture,
    Architectures,
    Board,
    CheckedAnswer,
    Expectation,
    ExplorerReference,
    Fact,
    Graph,
    GraphEdge,
    GraphNode,
    LossDescription,
    Losses,
    Model,
    Models,
    NeuronPart,
    NeuronParts,
    Preset,
    PresetExperiment,
    PresetExperimentResults,
    PresetExperiments,
    Presets,
    Question,
    SchoolClass,
    Section,
    Sections,
    Timeline,
    TimelineEntry,
)

__all__ = [
    "ActivationDescription",
    "Architecture",
    "Board",
    "CheckedAnswer",
    "Course",
    "Expectation",
    "ExplorerReference",
    "Fact",
    "Graph",
    "GraphEdge",
    "GraphNode",
    "LossDescription",
    "Model",
    "NeuronPart",
    "NeuronParts",
    "Preset",
    "PresetExperiment",
    "PresetExperimentResults",
    "Question",
    "SchoolClass",
    "Section",
    "Timeline",
    "TimelineEntry",
]


class Course(Part):
    """`client.course`: the content of the journey, and its explorers as `simulate`.

    Raises `NotFound` if the service does not serve the course: see the setting `EPOCHAL_COURSE`.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.simulate = Simulations(session)

    def neuron_parts(self) -> NeuronParts:
        """Return the parts of a nerve cell with their counterparts in an artificial neuron."""
        return read(NeuronParts, self._session.call("ListNeuronParts", {}))

    def activations(self) -> tuple[ActivationDescription, ...]:
        """Return a description of each activation: formulas, history, use, drawbacks, gain."""
        return read(Activations, self._session.call("ListActivations", {})).activations

    def models(self) -> tuple[Model, ...]:
        """Return famous networks, smallest first, with the arithmetic of their parameters."""
        return read(Models, self._session.call("ListModels", {})).models

    def losses(self) -> tuple[LossDescription, ...]:
        """Return a description of each loss: formulas, derivatives, use, drawbacks, source."""
        return read(Losses, self._session.call("ListLosses", {})).losses

    def architectures(self) -> tuple[Architecture, ...]:
        """Return the kinds of networks, from dense layers to the transformer and autoencoder."""
        return read(Architectures, self._session.call("ListArchitectures", {})).architectures

    def architecture(self, architecture_id: str) -> Architecture:
        """Return one kind of network, e.g. `lstm`. Raises `NotFound`."""
        return read(Architecture, self._session.call("GetArchitecture", {"id": architecture_id}))

    def sections(self) -> tuple[Section, ...]:
        """Return the eleven sections in order."""
        return read(Sections, self._session.call("ListSections", {})).sections

    def section(self, section_id: str) -> Section:
        """Return one section, e.g. `neuron`. Raises `NotFound`."""
        return read(Section, self._session.call("GetSection", {"id": section_id}))

    def check(self, section_id: str, question: str, answer: float) -> CheckedAnswer:
        """Check an answer: a number, or the index of a choice, from 0.

        Raises `NotFound`, and `InvalidArgument` if the section does not have the question.

        >>> client.course.check("neuron", "weighted-sum", 0.75).is_correct
        True
        """
        fields = {"id": section_id, "question": question, "answer": answer}
        return read(CheckedAnswer, self._session.call("CheckAnswer", fields))

    def presets(self) -> tuple[Preset, ...]:
        """Return ready jobs with their expected results, in the order of the journey."""
        return read(Presets, self._session.call("ListPresets", {})).presets

    def preset(self, name: str) -> Preset:
        """Return the preset of this name. Raises `NotFound`."""
        return read(Preset, self._session.call("GetPreset", {"id": name}))

    def preset_experiments(self) -> tuple[PresetExperiment, ...]:
        """Return the experiments with claims that hold for any seeds, by year."""
        reply = self._session.call("ListPresetExperiments", {})
        return read(PresetExperiments, reply).experiments

    def preset_experiment(self, name: str) -> PresetExperiment:
        """Return an experiment for `client.experiments.create`. Raises `NotFound`.

        >>> ready = client.course.preset_experiment("xor-1969")
        >>> sorted(ready.spec["jobs"])
        ['and', 'or', 'xor']
        """
        return read(PresetExperiment, self._session.call("GetPresetExperiment", {"id": name}))

    def preset_experiment_results(self, name: str) -> PresetExperimentResults:
        """Return what a preset experiment gave when it ran once: claims, curves and pictures.
        Raises `NotFound`.

        >>> stored = client.course.preset_experiment_results("xor-1969")
        >>> [(claim.text, claim.met) for claim in stored.experiment.claims]
        [('AND is learned', 5), ('OR is learned', 5), ('XOR never is', 5)]
        """
        reply = self._session.call("GetPresetExperimentResults", {"id": name})
        return read(PresetExperimentResults, reply)

    def timeline(self) -> Timeline:
        """Return the history, from one artificial neuron to today's language models."""
        return read(Timeline, self._session.call("GetTimeline", {}))

    def school_class(self) -> SchoolClass:
        """Return the class of the API key, and to a pupil the form to answer next."""
        return read(SchoolClass, self._session.call("GetClass", {}))

    def answer_form(
        self, part: Literal["before", "after"], choices: Mapping[str, int]
    ) -> SchoolClass:
        """Answer all items of a form as a pupil: the index of a choice for each item.

        The first answer counts. Raises `NotFound` for a key of no class, `Forbidden` for the key of
        a teacher, `InvalidArgument` for an item that does not exist or is missing.
        """
        answers = [{"part": part, "item": item, "choice": choices[item]} for item in choices]
        return read(SchoolClass, self._session.call("RecordAnswers", {"answers": answers}))

    def predict_section(self, section: str, choice: int | None = None) -> SchoolClass:
        """Store the prediction of a pupil in a section; without a choice, that it was opened.

        Raises like `answer_form`.
        """
        answer: dict[str, Any] = {"part": "chapter", "item": section}
        fields = {"answers": [answer if choice is None else {**answer, "choice": choice}]}
        return read(SchoolClass, self._session.call("RecordAnswers", fields))

    def board(self) -> Board:
        """Return the class as its teacher sees it, with the gain between both forms.

        Raises `NotFound` for a key of no class, `Forbidden` for the key of a pupil.
        """
        return read(Board, self._session.call("GetClassBoard", {}))

    def delete_class(self) -> None:
        """Delete the pupils of the class with everything of theirs, as a teacher.

        Raises like `board`.
        """
        self._session.call("DeleteClass", {})
