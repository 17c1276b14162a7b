"""A teacher makes an exercise of a preset, a pupil solves it, and the teacher sees the marks."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import PHONE, WIDE, Opened, barrier_free, fits
from tests.servers.stack import MakeStack, Stack

import epochal

TITLE = "A perceptron cannot learn XOR"


@pytest.fixture(scope="module")
def school(chromium: Browser, module_stack: MakeStack) -> tuple[Stack, dict[str, str]]:
    """A service with a class, and the keys by owner."""
    stack = module_stack()
    created = stack.run("keys", "create", "--class", "10b", "--count", "2", "--json")
    return stack, {row["owner"]: row["key"] for row in json.loads(created)["keys"]}


@pytest.fixture
def opened(chromium: Browser, school: tuple[Stack, dict[str, str]]) -> Iterator[Opened]:
    opened = Opened(chromium, school[0].http)
    opened.excuse("401")
    yield opened
    opened.close()
    assert opened.complaints == []


def enter(page: Page, key: str) -> None:
    """Reload the page with an API key."""
    page.evaluate("key => localStorage.setItem('epochal.key', key)", key)
    page.reload()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_an_exercise_is_made_missed_solved_and_marked(
    opened: Opened, school: tuple[Stack, dict[str, str]], size: dict[str, int]
) -> None:
    keys = school[1]
    teacher = opened("/experiments", size)
    enter(teacher, keys["10b"])
    teacher.get_by_role("link", name=f"Make an exercise of {TITLE}").click()
    teacher.get_by_label("Title").fill("How long must AND train?")
    teacher.get_by_role("checkbox", name="and: Epochs").check()
    teacher.get_by_label("and: Epochs").last.fill("1")
    fits(teacher, size)
    barrier_free(teacher)
    teacher.get_by_role("button", name="Create the exercise").click()
    teacher.wait_for_url("**/exercises/exr_*")
    link = teacher.url
    expect(teacher.get_by_role("rowheader", name="10b.02")).to_be_visible()

    pupil = opened("/experiments", size)
    enter(pupil, keys["10b.01"])
    pupil.get_by_role("list", name="Exercises").get_by_role("link").first.click()
    pupil.wait_for_url(link)
    expect(pupil.get_by_role("heading", level=1)).to_have_text("How long must AND train?")
    expect(pupil.get_by_role("button", name="Delete the exercise")).to_have_count(0)
    train = pupil.get_by_role("button", name="Train and check")
    train.click()
    expect(pupil.get_by_text("Not yet: change something")).to_be_visible()
    expect(train).to_be_enabled()
    pupil.get_by_label("and: Epochs").fill("20")
    train.click()
    expect(pupil.get_by_role("status").filter(has_text="Solved")).to_be_visible()
    expect(pupil.get_by_role("list", name="Attempts").get_by_role("listitem")).to_have_count(2)
    fits(pupil, size)
    barrier_free(pupil)

    row = teacher.get_by_role("row").filter(has=teacher.get_by_role("rowheader", name="10b.01"))
    expect(row).to_contain_text("Solved")
    expect(row.get_by_role("cell").first).to_have_text("2")
    fits(teacher, size)
    barrier_free(teacher)
    delete(teacher)


def delete(page: Page) -> None:
    """Delete the exercise of the page, after a question."""
    page.get_by_role("button", name="Delete the exercise").click()
    page.get_by_role("group", name="Delete the exercise?").get_by_role(
        "button", name="Delete permanently"
    ).click()
    page.wait_for_url("**/experiments")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_an_exercise_is_made_of_a_run_on_uploaded_data(
    opened: Opened, school: tuple[Stack, dict[str, str]], size: dict[str, int]
) -> None:
    stack, keys = school
    with epochal.Client(stack.http, api_key=keys["10b"]) as client:
        points = {"name": "two_moons", "samples": 60}
        data = client.datasets.create("Seen in class", generator=points)
        spec = client.datasets.suggest(data.id).spec | {"epochs": 5, "name": "Ours"}
        run = client.jobs.create(spec).wait(60)
    teacher = opened("/experiments", size)
    enter(teacher, keys["10b"])
    teacher.goto(f"{stack.http}/jobs/{run.id}")
    teacher.get_by_role("link", name="Make an exercise").click()
    expect(teacher.get_by_label("Title")).to_have_value("Ours")
    create = teacher.get_by_role("button", name="Create the exercise")
    expect(teacher.get_by_text("An exercise needs a claim")).to_be_visible()
    expect(create).to_be_disabled()
    teacher.get_by_label("Metric").select_option("epochs")
    teacher.get_by_label("Value").fill("7")
    teacher.get_by_label("Bound").select_option("at_least")
    teacher.get_by_role("button", name="Add the claim").click()
    expect(teacher.get_by_role("checkbox", name="Epochs of network: at least 7")).to_be_checked()
    teacher.get_by_label("Seeds of each attempt").fill("2")
    teacher.get_by_role("checkbox", name="Epochs", exact=True).check()
    expect(teacher.get_by_text("The uploaded data is shared")).to_be_visible()
    fits(teacher, size)
    barrier_free(teacher)
    create.click()
    teacher.wait_for_url("**/exercises/exr_*")

    pupil = opened("/experiments", size)
    enter(pupil, keys["10b.01"])
    pupil.goto(teacher.url)
    expect(pupil.get_by_role("heading", name="Seen in class")).to_be_visible()
    pupil.get_by_label("Epochs").fill("7")
    pupil.get_by_role("button", name="Train and check").click()
    expect(pupil.get_by_role("status").filter(has_text="Solved")).to_be_visible()
    expect(pupil.get_by_text("2 of 2 seeds")).to_be_visible()
    fits(pupil, size)
    expect(pupil.get_by_role("list", name="Attempts").get_by_role("listitem")).to_have_count(1)
    delete(teacher)


def test_a_claim_on_classes_names_the_network_that_judges_them(
    opened: Opened, school: tuple[Stack, dict[str, str]]
) -> None:
    stack, keys = school
    page = opened("/experiments", WIDE)
    enter(page, keys["10b"])
    page.goto(f"{stack.http}/exercises/new?exercise.preset=diffusion-2020")
    claims = page.get_by_role("group", name="Claims that an attempt must meet")
    page.get_by_label("Network", exact=True).select_option("digits")
    page.get_by_label("Metric").select_option("class_accuracy")
    page.get_by_label("Classifier", exact=True).select_option("classifier")
    page.get_by_label("Value").fill("0.8")
    page.get_by_role("button", name="Add the claim").click()
    title = "Class accuracy by classifier of digits: at least 0.8"
    expect(claims.get_by_role("checkbox", name=title)).to_be_checked()


def test_an_exercise_is_made_of_an_experiment(
    opened: Opened, school: tuple[Stack, dict[str, str]]
) -> None:
    stack, keys = school
    with epochal.Client(stack.http, api_key=keys["10b"]) as client:
        job = client.preset("xor") | {"epochs": 2, "target": None}
        claim = {"job": "one", "metric": "parameters", "at_most": 99}
        made = client.experiments.create(jobs={"one": job, "two": job}, claims=[claim], name="Two")
        made.wait(60)
    page = opened("/experiments", WIDE)
    enter(page, keys["10b"])
    page.goto(f"{stack.http}/experiments/{made.id}")
    page.get_by_role("link", name="Make an exercise").click()
    claims = page.get_by_role("group", name="Claims that an attempt must meet")
    expect(claims.get_by_role("checkbox", name="Parameters of one: at most 99")).to_be_checked()
    page.get_by_label("Network", exact=True).select_option("two")
    page.get_by_label("Minus").select_option("one")
    page.get_by_label("Metric").select_option("train_loss")
    page.get_by_label("Value").fill("0.7")
    page.get_by_role("button", name="Add the claim").click()
    expect(claims.get_by_role("checkbox")).to_have_count(2)
    page.get_by_role("checkbox", name="two: Epochs").check()
    page.get_by_role("button", name="Create the exercise").click()
    page.wait_for_url("**/exercises/exr_*")
    expect(page.get_by_role("heading", level=1)).to_have_text("Two")
    expect(
        page.get_by_role("columnheader", name="Training loss of two − one: at most 0.7")
    ).to_be_visible()
    delete(page)
