"""A teacher makes an exercise of a preset, a pupil solves it, and the teacher sees the marks."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Locked, Opened, suits_every_screen

import epochal

TITLE = "A perceptron cannot learn XOR"


def enter(page: Page, key: str) -> None:
    """Reload the page with an API key."""
    page.evaluate("key => localStorage.setItem('epochal.key', key)", key)
    page.reload()


def test_an_exercise_is_made_missed_solved_and_marked(open_locked: Opened, locked: Locked) -> None:
    teacher = open_locked("/experiments")
    enter(teacher, locked.keys["11a"])
    teacher.get_by_role("link", name=f"Make an exercise of {TITLE}").click()
    teacher.get_by_label("Title").fill("How long must AND train?")
    teacher.get_by_role("checkbox", name="and: Epochs").check()
    teacher.get_by_label("and: Epochs").last.fill("1")
    suits_every_screen(teacher)
    teacher.get_by_role("button", name="Create the exercise").click()
    teacher.wait_for_url("**/exercises/exr_*")
    link = teacher.url
    expect(teacher.get_by_role("rowheader", name="11a.02")).to_be_visible()

    pupil = open_locked("/experiments")
    enter(pupil, locked.keys["11a.01"])
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
    suits_every_screen(pupil)

    row = teacher.get_by_role("row").filter(has=teacher.get_by_role("rowheader", name="11a.01"))
    expect(row).to_contain_text("Solved")
    expect(row.get_by_role("cell").first).to_have_text("2")
    suits_every_screen(teacher)
    delete(teacher)


def delete(page: Page) -> None:
    """Delete the exercise of the page, after a question."""
    page.get_by_role("button", name="Delete the exercise").click()
    page.get_by_role("group", name="Delete the exercise?").get_by_role(
        "button", name="Delete permanently"
    ).click()
    page.wait_for_url("**/experiments")


def test_an_exercise_is_made_of_a_run_on_uploaded_data(open_locked: Opened, locked: Locked) -> None:
    with epochal.Client(locked.stack.http, api_key=locked.keys["11a"]) as client:
        points = {"name": "two_moons", "samples": 60}
        data = client.datasets.create("Seen in class", generator=points)
        spec = client.datasets.suggest(data.id).spec | {"epochs": 5, "name": "Ours"}
        run = client.jobs.create(spec).wait(60)
    teacher = open_locked("/experiments")
    enter(teacher, locked.keys["11a"])
    teacher.goto(f"{locked.stack.http}/jobs/{run.id}")
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
    suits_every_screen(teacher)
    create.click()
    teacher.wait_for_url("**/exercises/exr_*")

    pupil = open_locked("/experiments")
    enter(pupil, locked.keys["11a.01"])
    pupil.goto(teacher.url)
    expect(pupil.get_by_role("heading", name="Seen in class")).to_be_visible()
    pupil.get_by_label("Epochs").fill("7")
    pupil.get_by_role("button", name="Train and check").click()
    expect(pupil.get_by_role("status").filter(has_text="Solved")).to_be_visible()
    expect(pupil.get_by_text("2 of 2 seeds")).to_be_visible()
    suits_every_screen(pupil)
    expect(pupil.get_by_role("list", name="Attempts").get_by_role("listitem")).to_have_count(1)
    delete(teacher)


@pytest.mark.journey
def test_a_claim_on_classes_names_the_network_that_judges_them(
    open_locked: Opened, locked: Locked
) -> None:
    page = open_locked("/experiments")
    enter(page, locked.keys["11a"])
    page.goto(f"{locked.stack.http}/exercises/new?exercise.preset=diffusion-2020")
    claims = page.get_by_role("group", name="Claims that an attempt must meet")
    page.get_by_label("Network", exact=True).select_option("digits")
    page.get_by_label("Metric").select_option("class_accuracy")
    page.get_by_label("Classifier", exact=True).select_option("classifier")
    page.get_by_label("Value").fill("0.8")
    page.get_by_role("button", name="Add the claim").click()
    title = "Class accuracy by classifier of digits: at least 0.8"
    expect(claims.get_by_role("checkbox", name=title)).to_be_checked()


def test_an_exercise_is_made_of_an_experiment(open_locked: Opened, locked: Locked) -> None:
    with epochal.Client(locked.stack.http, api_key=locked.keys["11a"]) as client:
        job = client.preset("xor") | {"epochs": 2, "target": None}
        claim = {"job": "one", "metric": "parameters", "at_most": 99}
        made = client.experiments.create(jobs={"one": job, "two": job}, claims=[claim], name="Two")
        made.wait(60)
    page = open_locked("/experiments")
    enter(page, locked.keys["11a"])
    page.goto(f"{locked.stack.http}/experiments/{made.id}")
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


def test_a_copied_run_is_refused_and_its_author_is_named_to_the_teacher(
    open_locked: Opened, locked: Locked
) -> None:
    def client_of(owner: str) -> epochal.Client:
        return epochal.Client(locked.stack.http, api_key=locked.keys[owner])

    with client_of("11a") as teacher, client_of("11a.01") as author, client_of("11a.02") as copier:
        job = teacher.preset("xor") | {"epochs": 2, "target": None}
        claim = {"job": "xor", "metric": "epochs", "at_least": 2}
        task = {"jobs": {"xor": job}, "claims": [claim]}
        made = teacher.exercises.create(task, title="Homework", open=["jobs.xor.epochs"])
        proofs = []
        for pupil in (author, copier):
            seed = pupil.exercises.get(made.id).seed
            run = pupil.jobs.create(job | {"seed": seed}).wait(60)
            proofs.append(json.loads(run.export("proof")))
        proofs[1]["curve"] = proofs[0]["curve"]
        for pupil, proof in zip((author, copier), proofs, strict=True):
            pupil.exercises.submit(made.id, json.dumps(proof).encode()).wait(60)
    page = open_locked("/experiments")
    enter(page, locked.keys["11a"])
    page.goto(f"{locked.stack.http}/exercises/{made.id}")
    rows = page.get_by_role("list", name="Attempts").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Run from elsewhere refused: Epoch 1 differs")
    expect(rows.nth(0)).to_contain_text("11a.01 submitted the same curve.")
    expect(rows.nth(1)).to_contain_text("Run from elsewhere accepted: The 2 epochs")
    suits_every_screen(page)


def test_a_run_from_elsewhere_is_submitted_as_a_file(
    open_locked: Opened, locked: Locked, tmp_path: Path
) -> None:
    open_locked.excuse("400")  # of the API, which the browser reports by itself
    with epochal.Client(locked.stack.http, api_key=locked.keys["11a"]) as teacher:
        job = teacher.preset("xor") | {"epochs": 2, "target": None}
        claim = {"job": "xor", "metric": "epochs", "at_least": 2}
        task = {"jobs": {"xor": job}, "claims": [claim]}
        made = teacher.exercises.create(task, title="Homework", open=["jobs.xor.epochs"])
    with epochal.Client(locked.stack.http, api_key=locked.keys["11a.01"]) as pupil:
        seed = pupil.exercises.get(made.id).seed
        honest = pupil.jobs.create(job | {"seed": seed}).wait(60).export("proof")
    forged = json.loads(honest)
    forged["curve"][0]["values"][1] *= 1.01
    page = open_locked("/experiments")
    enter(page, locked.keys["11a.01"])
    page.goto(f"{locked.stack.http}/exercises/{made.id}")
    page.get_by_text("Submit a run from elsewhere").click()
    for content, verdict in (
        (b"epoch,loss", "is not valid JSON"),
        (json.dumps(forged).encode(), "refused: Epoch 2 differs"),
        (honest, "accepted: The 2 epochs"),
    ):
        file = tmp_path / "proof.json"
        file.write_bytes(content)
        page.get_by_label("Choose the file").set_input_files(file)
        expect(page.get_by_text(verdict).first).to_be_visible()
        expect(page.get_by_role("button", name="Train and check")).to_be_enabled()
    expect(page.get_by_role("list", name="Attempts").get_by_role("listitem")).to_have_count(2)
    suits_every_screen(page)
