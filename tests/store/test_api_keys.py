"""Keys that other keys made, on each kind of database."""

import pytest
from tests.store.test_jobs import insert

from epochal_service.access import keys
from epochal_service.specs import filters
from epochal_service.specs.jobs import job_fields
from epochal_service.store import Access, Database, api_keys, jobs
from epochal_service.store.api_keys import KeyLimits

pytestmark = pytest.mark.every_variant

LIMITS = KeyLimits(("read", "train"), (), (("visitor", "1"),), ("https://a.example",), 4)


def made(database: Database, limits: KeyLimits, maker: str | None = None) -> str:
    with database.write() as connection:
        text = keys.insert(
            connection, "key", owner="me", scope="read", days=1, limits=limits, made_by=maker
        )
    return text.split("_")[1]


def test_the_limits_of_a_key_are_stored_and_end_with_its_maker(database: Database) -> None:
    maker = keys.create(database, "laptop", owner="me", scope="train", days=None).split("_")[1]
    key_id = made(database, LIMITS, maker)
    with database.read() as connection:
        key, access = api_keys.find_all_valid(connection, [key_id])[key_id]
        assert [row.id for row in api_keys.made(connection, "me")] == [key_id]
        assert api_keys.names_origin(connection, "https://a.example", key_id)
        assert not api_keys.names_origin(connection, "https://a.example", maker)
        assert not api_keys.names_origin(connection, "https://a.exampl_")
    assert (key.limits, key.made_by) == (LIMITS, maker)
    assert access == Access("me", labels=(("visitor", "1"),))
    keys.revoke(database, maker)
    with database.read() as connection:
        assert api_keys.find_valid(connection, key_id) is None
        assert api_keys.names_origin(connection, "https://a.example")


def test_a_key_makes_its_jobs_per_hour_and_no_more(database: Database) -> None:
    key_id = made(database, LIMITS)
    with database.write() as connection:
        assert [api_keys.take_jobs(connection, key_id, 4, count) for count in (3, 1)] == [0, 0]
        assert 800 < api_keys.take_jobs(connection, key_id, 4, 1) <= 900
        assert 2600 < api_keys.take_jobs(connection, key_id, 4, 3) <= 2700


def test_a_narrow_access_finds_the_jobs_that_it_names_and_those_with_its_labels(
    database: Database,
) -> None:
    first, second, theirs = insert(database), insert(database), insert(database, "other")
    by_id = Access("me", jobs=(first, theirs))
    by_label = Access("me", labels=(("course", "week-3"),))
    by_other = Access("me", labels=(("course", "week-3"), ("visitor", "1")))
    expected = {by_id: {first}, by_label: {first, second}, by_other: set()}
    tree = filters.parse("epoch >= 0", job_fields())
    assert tree is not None
    with database.read() as connection:
        for access, ids in expected.items():
            single = {i for i in (first, second, theirs) if jobs.find(connection, i, access)}
            rows = jobs.page(connection, access.owners, size=9, before=None, only=access)
            matching = jobs.matching(connection, "me", tree, (), 9, access)
            reached = {
                job_id
                for job_id, owner in ((first, "me"), (second, "me"), (theirs, "other"))
                if jobs.reaches(connection, access, job_id, owner)
            }
            assert single == {row.id for row in rows} == {*matching} == reached == ids
            assert access.readable == ()
