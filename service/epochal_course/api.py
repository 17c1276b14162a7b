"""Every method of the course, a row each: explorers, and the content of the journey."""

from __future__ import annotations

from typing import Any

from epochal_service.methods.method import Api, Id, Method, Service

from . import classes, methods
from .explorers.table import EXPLORERS, path_of

ANSWERS: dict[str, Any] = {
    "The neuron of the example has a weighted sum of 0.75": {
        "question": "weighted-sum",
        "answer": 0.75,
    }
}

PREDICTIONS: dict[str, Any] = {
    "The prediction of a pupil about the neuron": {
        "answers": [{"part": "chapter", "item": "neuron", "choice": 1}]
    }
}

DESCRIPTION = """
Explorers compute an idea and explain each number; the content of the journey has its sources. Both
are stateless. Only a class stores anything: the answers of its pupils. Names may change from
release to release: see the changelog.
""".strip()

SERVICES: tuple[Service, ...] = (
    Service(
        "SimulationService",
        "simulations",
        "Simulations of the ideas of the journey. They are stateless: nothing is stored.",
        tuple(
            Method(
                rpc,
                "read",
                f"POST {path_of(rpc)}",
                explorer.function,
                explorer.summary,
                examples=explorer.examples,
                basis="release",
                is_pure=True,
            )
            for rpc, explorer in EXPLORERS.items()
        ),
    ),
    Service(
        "JourneyService",
        "journey",
        "The content of the journey, with its sources. It is read-only.",
        (
            Method(
                "ListNeuronParts",
                "read",
                "GET /course/v1/neuron-parts",
                methods.list_neuron_parts,
                "List the parts of a neuron",
                basis="release",
            ),
            Method(
                "ListActivations",
                "read",
                "GET /course/v1/activations",
                methods.list_activations,
                "List activations",
                basis="release",
            ),
            Method(
                "ListModels",
                "read",
                "GET /course/v1/models",
                methods.list_models,
                "List famous networks",
                basis="release",
            ),
            Method(
                "ListLosses",
                "read",
                "GET /course/v1/losses",
                methods.list_losses,
                "List losses",
                basis="release",
            ),
            Method(
                "ListArchitectures",
                "read",
                "GET /course/v1/architectures",
                methods.list_architectures,
                "List architectures",
                basis="release",
            ),
            Method(
                "GetArchitecture",
                "read",
                "GET /course/v1/architectures/{id}",
                methods.get_architecture,
                "Get an architecture",
                basis="release",
            ),
            Method(
                "ListSections",
                "read",
                "GET /course/v1/sections",
                methods.list_sections,
                "List sections",
                basis="release",
            ),
            Method(
                "GetSection",
                "read",
                "GET /course/v1/sections/{id}",
                methods.get_section,
                "Get a section",
                basis="release",
            ),
            Method(
                "CheckAnswer",
                "read",
                "POST /course/v1/sections/{id}/answers",
                methods.check_answer,
                "Check an answer",
                examples=ANSWERS,
            ),
            Method(
                "ListPresets",
                "read",
                "GET /course/v1/presets",
                methods.list_presets,
                "List presets",
                basis="release",
            ),
            Method(
                "GetPreset",
                "read",
                "GET /course/v1/presets/{id}",
                methods.get_preset,
                "Get a preset",
                basis="release",
            ),
            Method(
                "ListPresetExperiments",
                "read",
                "GET /course/v1/preset-experiments",
                methods.list_preset_experiments,
                "List preset experiments",
                basis="release",
            ),
            Method(
                "GetPresetExperiment",
                "read",
                "GET /course/v1/preset-experiments/{id}",
                methods.get_preset_experiment,
                "Get a preset experiment",
                basis="release",
            ),
            Method(
                "GetPresetExperimentResults",
                "read",
                "GET /course/v1/preset-experiments/{id}/results",
                methods.get_preset_experiment_results,
                "Get the stored results of a preset experiment",
                basis="release",
            ),
            Method(
                "GetTimeline",
                "read",
                "GET /course/v1/timeline",
                methods.get_timeline,
                "Get the timeline",
                basis="release",
            ),
        ),
    ),
    Service(
        "ClassService",
        "classes",
        "A class in the course: forms before and after a lesson, predictions, and the board.",
        (
            Method("GetClass", "read", "GET /course/v1/class", classes.get_class, "Get your class"),
            Method(
                "RecordAnswers",
                "change",
                "POST /course/v1/class/answers",
                classes.record_answers,
                "Answer as a pupil",
                errors=(404,),
                examples=PREDICTIONS,
            ),
            Method(
                "GetClassBoard",
                "read",
                "GET /course/v1/class/board",
                classes.get_class_board,
                "Get the board of your class",
                errors=(404,),
            ),
            Method(
                "DeleteClass",
                "delete",
                "DELETE /course/v1/class",
                classes.delete_class,
                "Delete the pupils of your class",
                errors=(404,),
            ),
        ),
    ),
)

COURSE = Api(
    package="epochal.course.v1",
    document="/course/openapi.json",
    title="Epochal: the course",
    summary="The ideas on the way from one neuron to a language model, each computed.",
    description=DESCRIPTION,
    services=SERVICES,
    ids={
        "architectures": Id(
            "The id of the architecture, such as `lstm`: see `GET /course/v1/architectures`.",
            "lstm",
        ),
        "sections": Id(
            "The id of the section, such as `neuron`: see `GET /course/v1/sections`.", "neuron"
        ),
        "preset-experiments": Id(
            "The name of the experiment, such as `xor-1969`: see "
            "`GET /course/v1/preset-experiments`."
        ),
        "presets": Id("The id of the preset, such as `xor`: see `GET /course/v1/presets`.", "xor"),
    },
)
