"""The mutants of `make check-mechanisms` still apply to the sources."""

import pytest
from tools.mutation.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mechanism_and_its_tests_exist(mutant: Mutant) -> None:
    source = mutant.source()
    if mutant.file.endswith(".py"):
        compile(source, mutant.file, "exec")
    for test in mutant.tests:
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file()
        assert not name or f"def {name.partition('[')[0]}(" in (ROOT / path).read_text()


def test_every_mechanism_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
