"""The cost of a statement does not grow with the number of jobs: each is answered by an index."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from epochal_service.specs.filters import Comparison, Some
from epochal_service.store import Connection, Database, jobs, log
from epochal_service.store.access import Access
from epochal_service.store.tables import job_labels, job_specs
from epochal_service.store.tables import jobs as jobs_table
from epochal_service.store.tables import log as log_table

pytestmark = pytest.mark.every_variant

JOBS = 6_000
SEGMENTS = 1_000
LONG = "job_0000000000000_0000000000000000"


@pytest.fixture(scope="module")
def many(module_database_url: str) -> Iterator[Database]:
    """Many jobs that have ended, some of other owners, and a few that have not."""
    database = Database(module_database_url)
    zeros = dict.fromkeys(
        ("parameters", "samples", "flops", "epoch", "attempt", "fruitless_attempts", "fence"), 0
    )
    rows = []
    for number in range(JOBS):
        kind = "sweep" if number % 3 == 0 else "job"
        rows.append(
            {
                "id": f"{kind}_{number:013x}_{number:016x}",
                "owner": "me" if number % 5 else "another",
                "state": ("queued", "running")[number % 2] if number % 600 == 1 else "succeeded",
                "last_seq": 0,
                "created_at": 1.0,
                "search_text": "",
                "finished_at": 2.0,
                "lease_expires_at": 9e9,
                "expires_at": 9e9,
                **zeros,
            }
        )
    segments = [
        {
            "job_id": LONG,
            "seq": seq,
            "kind": "epochs",
            "first_epoch": seq,
            "last_epoch": seq,
            "created_at": 1.0,
            "summary": b"",
            "body": b"",
        }
        for seq in range(1, SEGMENTS + 1)
    ]
    rows.append({**rows[1], "id": LONG})
    with database.write() as connection:
        connection.execute(sa.insert(jobs_table), rows)
        connection.execute(
            sa.insert(job_specs), [{"job_id": row["id"], "spec": "{}"} for row in rows]
        )
        connection.execute(
            sa.insert(job_labels),
            [
                {"job_id": row["id"], "key": "course", "value": f"week-{number % 100}"}
                for number, row in enumerate(rows)
            ],
        )
        connection.execute(sa.insert(log_table), segments)
    if not database.sqlite:
        # The scan of a bitmap counts rows that earlier tests have deleted, until they are removed.
        engine = sa.create_engine(module_database_url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
        engine.dispose()
    yield database
    database.close()


Statement = tuple[str, Any]


def statements(connection: Connection, action: Callable[[Connection], object]) -> list[Statement]:
    """The statements that the action executes, with their parameters."""
    executed: list[Statement] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if not statement.startswith("BEGIN"):
            executed.append((statement, parameters))

    sa.event.listen(connection, "before_cursor_execute", note)
    action(connection)
    sa.event.remove(connection, "before_cursor_execute", note)
    assert executed
    return executed


def rows_read(plan: dict[str, Any]) -> float:
    """The number of rows that the scans of an executed plan of PostgreSQL looked at."""
    below = sum(rows_read(child) for child in plan.get("Plans", ()))
    if "Scan" not in plan["Node Type"]:
        return below
    removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return below + float((plan["Actual Rows"] + removed) * plan["Actual Loops"])


def check_sqlite(plan: Iterable[Any]) -> None:
    """Check that tables are searched in indexes, and that only what subqueries return is sorted."""
    steps: dict[int, list[str]] = {}
    for _, parent, _, step in plan:
        steps.setdefault(parent, []).append(step)
    assert steps
    for siblings in steps.values():
        tables = [step for step in siblings if re.match(r"SCAN (?!anon|\(sub|CONST)|SEARCH", step)]
        assert not [step for step in tables if step.startswith("SCAN")], steps
        assert not (tables and any("TEMP B-TREE" in step for step in siblings)), steps


def page(owners: tuple[str, ...] = ("me",), **more: Any) -> Callable[[Connection], object]:
    def action(connection: Connection) -> object:
        with closing(jobs.page(connection, owners, size=10, before=None, **more)) as rows:
            return list(rows)

    return action


STATES = Some(tuple(Comparison(("state",), "=", state, "word") for state in ("queued", "running")))

# The rows that each statement may read: about the number that it returns.
READS: dict[str, tuple[Callable[[Connection], object], int]] = {
    "list": (page(), 50),
    "list of two owners": (page(("me", "another")), 100),
    "list sweeps": (page(kind="sweep"), 50),
    "list by two states": (page(states=["queued", "running"]), 100),
    "list by an ended state and another": (page(states=["succeeded", "queued"]), 100),
    "list by the key of a label": (page(label=("course", None)), 2500),
    # Besides, the jobs of others with this label.
    "list by label": (page(label=("course", "week-7")), 150),
    "list by state and label": (page(states=["succeeded"], label=("course", "week-7")), 150),
    "list by a filter of two states": (page(filter=STATES), 100),
    "jobs by a filter": (lambda c: jobs.matching(c, "me", STATES, ("failed",), 10), 100),
    "find": (lambda connection: jobs.find(connection, LONG, Access("me")), 10),
    "expired leases": (jobs.expired, 50),
    "expired jobs": (lambda connection: jobs.outlived(connection, 100), 10),
    "deleted jobs": (jobs.any_hidden, 10),
    "log after a cursor": (lambda connection: log.after(connection, LONG, 900, 10), 20),
    "one page of epochs": (lambda connection: log.bodies(connection, LONG, 900, 910), 200),
}


@pytest.mark.parametrize("name", READS)
def test_a_statement_reads_about_as_many_rows_as_it_returns(many: Database, name: str) -> None:
    action, limit = READS[name]
    with many.read() as connection:
        for statement, parameters in statements(connection, action):
            if many.sqlite:
                check_sqlite(
                    connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                )
            else:
                explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
                [[plan]] = connection.exec_driver_sql(explain, parameters).scalars()
                assert rows_read(plan["Plan"]) <= limit, json.dumps(plan, indent=1)


def test_a_list_by_a_rare_label_begins_with_the_label(many: Database) -> None:
    """The planner of SQLite knows no numbers: it would look at each job of the owner in turn."""
    with many.read() as connection:
        [(statement, parameters)] = statements(connection, page(label=("course", "week-7")))
        if many.sqlite:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [step for _, _, _, step in plan]
            assert any("ix_job_labels_key_value (key=? AND value=? AND job_id>" in s for s in steps)
            assert not any("ix_jobs_owner_id" in step for step in steps), steps
