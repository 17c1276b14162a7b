"""Run the tests that a change can break, according to the record of the last whole run.

python -m tools.changed [--base COMMIT]   select and run
python -m tools.changed --merge           make the record of the parts of a run
python -m tools.changed --history 100     print what the last 100 commits would have run
python -m tools.changed --mutants 100     plant faults, and print the ones no selected test finds
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator

from tools.changed import proofs
from tools.changed.record import NAME, Record, merge
from tools.changed.selection import Selection, is_python, select
from tools.changed.sources import ROOT, Sources, git

FOLDER = ROOT / ".test-coverage"
OLD_COMMITS = 200


def base_of(commit: str | None) -> str:
    """The commit that the change begins at: the merge base with main, or HEAD on main."""
    return git("merge-base", "HEAD", commit or "main").strip()


def commits_since(commit: str) -> float:
    try:
        return int(git("rev-list", "--count", f"{commit}..HEAD"))
    except subprocess.CalledProcessError:
        return float("inf")


def working_sources() -> Sources:
    paths = git("ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    return Sources(
        {p: (ROOT / p).read_text() for p in paths if is_python(p) and (ROOT / p).is_file()}
    )


def working_changes(base: str) -> Iterator[tuple[str, str, str]]:
    """Yield (path, text before, text now) of each file that differs from the base."""
    paths = git("diff", "--name-only", "--no-renames", base).splitlines()
    for path in [*paths, *git("ls-files", "--others", "--exclude-standard").splitlines()]:
        existed = git("ls-tree", base, path)
        before = git("show", f"{base}:{path}") if existed and is_python(path) else ""
        file = ROOT / path
        yield path, before, file.read_text() if is_python(path) and file.is_file() else ""


def run(selection: Selection, pytest: list[str]) -> int:
    names, changed = selection.names(), selection.changed
    files = len({unit.partition(":")[0] for unit in changed})
    tests = selection.all_tests()
    for note in selection.notes:
        print(note)
    if selection.tests or selection.paths:
        print(
            f"{len(changed)} changed functions, classes and names in {files} files:",
            f"{tests.bit_count()} tests, about {selection.record.time(tests) / 2:.0f} s, with",
            " ".join(name for name in names if "::" not in name),
        )
        if selection.left_out:
            print(
                f"{selection.left_out.bit_count()} tests that are less about it are left out:",
                "make test-all runs them.",
            )
    else:
        print("No test can break. Running the tests of documents and words.")
    sys.stdout.flush()
    if selection.page and (code := subprocess.call(["npm", "test"], cwd=ROOT / "clients/web")):
        return code
    chosen = FOLDER / "chosen.txt"
    chosen.write_text("\n".join(names))
    return subprocess.call([*pytest, f"@{chosen}"], cwd=ROOT)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--base")
    parser.add_argument("--merge", action="store_true")
    parser.add_argument("--history", type=int)
    parser.add_argument("--mutants", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--rooms", default="", help="folders of product code, such as engine,service"
    )
    parser.add_argument("pytest", nargs="*", help="options of pytest, after --")
    options = parser.parse_args()
    if options.merge:
        merged = merge(FOLDER, working_sources(), git("rev-parse", "HEAD").strip())
        merged.save(FOLDER)
        for part in [*FOLDER.glob("*.part"), *FOLDER.glob("*.number")]:
            part.unlink()
        print(
            f"{len(merged.tests)} tests execute {len(merged.units)} functions, classes and names."
        )
        return 0
    record = Record.load(FOLDER) if (FOLDER / NAME).exists() else None
    if record is None or commits_since(record.commit) > OLD_COMMITS:
        print(
            "No record of a recent whole run: run `make record-tests`. Running `make test`.",
            flush=True,
        )
        return subprocess.call(["make", "test"], cwd=ROOT)
    if options.history:
        return proofs.history(record, options.history)
    if options.mutants:
        rooms = tuple(room for room in options.rooms.split(",") if room)
        return proofs.mutants(record, working_sources().files, options.mutants, options.seed, rooms)
    pytest = [sys.executable, "-m", "pytest", *options.pytest]
    changes = working_changes(base_of(options.base))
    return run(select(record, working_sources(), changes), pytest)


if __name__ == "__main__":
    sys.exit(main())
