"""Models are built when they are first used, and descriptions are read when a schema needs them."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from epochal_service.specs.base import Message, Spec, docstrings


class Small(Spec):
    units: int = 1
    """Units of the layer."""


class Large(Small):
    units: int = 100
    depth: int = 2
    """Layers, one after
    the other."""


def test_a_description_is_that_below_the_field_or_below_the_field_of_a_base() -> None:
    assert docstrings(Large) == {
        "units": "Units of the layer.",
        "depth": "Layers, one after\nthe other.",
    }
    properties = Large.model_json_schema()["properties"]
    assert {name: field["description"] for name, field in properties.items()} == docstrings(Large)


@pytest.mark.long
def test_a_process_builds_only_the_models_that_it_uses() -> None:
    program = (
        "from epochal_service.rest.app import create_app\n"
        "from epochal_service.settings import Settings\n"
        "from epochal_service.specs.jobs import Job, JobPage\n"
        "create_app(Settings())\n"
        "print(Job.__pydantic_complete__, JobPage.__pydantic_complete__)\n"
        "JobPage(jobs=[], next_page_token='')\n"
        "print(Job.__pydantic_complete__, JobPage.__pydantic_complete__)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.splitlines() == ["False False", "False True"], run.stderr


@pytest.mark.long
def test_no_source_is_read_before_a_schema_needs_descriptions() -> None:
    program = (
        "import linecache\n"
        "import epochal_engine, epochal_service\n"
        "from epochal_service.rest import problems\n"
        "from epochal_service.specs.networks import DenseSpec\n"
        "from epochal_service.specs.training import LossOptionsSpec\n"
        "folders = (epochal_engine.__path__[0], epochal_service.__path__[0])\n"
        "print([name for name in linecache.cache if name.startswith(folders)])\n"
        "for model in (problems.Problem, DenseSpec, LossOptionsSpec):\n"
        "    schema = model.model_json_schema()\n"
        "    properties = schema.get('$defs', {}).get(model.__name__, schema)['properties']\n"
        "    print(all(properties[name]['description'] for name in properties if name != 'type'))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.splitlines() == ["[]", "True", "True", "True"], run.stderr


def test_threads_may_use_a_new_model_at_the_same_time() -> None:
    threads = 8
    barrier = Barrier(threads)

    def use(model: type[Message]) -> Message:
        barrier.wait()
        return model.model_validate({"units": 3, "depth": 1})

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            for number in range(30):
                model = type(f"Large{number}", (Large,), {})
                values = list(pool.map(use, [model] * threads))
                assert values == [model(units=3, depth=1)] * threads
    finally:
        sys.setswitchinterval(before)
