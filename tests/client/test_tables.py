"""A table of one's own, from the file to predictions for the same file."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas
import pytest
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import load
from tests.client.test_cli import Run, run

import epochal

__all__ = ["run"]


def houses(rows: int = 300, seed: int = 0) -> str:
    """Prices in euros: 10⁵ and more, from columns of every kind."""
    chance = random.Random(seed)
    lines = ["size,rooms,garage,city,built,price"]
    for _ in range(rows):
        size, rooms = chance.randint(40, 220), chance.randint(1, 7)
        garage, city = chance.choice(["yes", "no"]), chance.choice(["Ulm", "Bonn", "Kiel"])
        year, month = chance.randint(1960, 2020), chance.randint(1, 12)
        price = 2500.0 * size + 9000 * rooms + 15000 * (garage == "yes")
        price += 60000 * (city == "Bonn") + 800 * (year - 1960) + chance.gauss(0, 3000)
        lines.append(f"{size},{rooms},{garage},{city},{year}-{month:02}-15,{price:.0f}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "houses.csv"
    path.write_text(houses())
    return path


def trained(client: epochal.Client, file: Path, **changes: Any) -> epochal.Job:
    dataset = client.datasets.upload(file)
    spec: dict[str, Any] = {
        "network": epochal.network(
            [dataset.features], [epochal.dense(16, "relu"), epochal.dense(1)]
        ),
        "dataset": {"id": dataset.id, "scaling": "standard"},
        "loss": "mse",
        "epochs": 60,
        "batch_size": 16,
        "validation_fraction": 0.2,
        "optimizer": {"type": "adam", "learning_rate": 0.01},
        **changes,
    }
    return client.jobs.create(spec).wait(60)


def test_prices_are_predicted_in_euros_by_default(client: epochal.Client, file: Path) -> None:
    job = trained(client, file).refresh()
    assert job.spec["target_scaling"] == "standardize"
    table = pandas.read_csv(file)
    predictions = job.predict(file)[:, 0]
    errors = predictions - table["price"]
    # Predicting the mean has the error 10⁵; the noise of the data is 3,000.
    assert np.sqrt(np.square(errors).mean()) < 15_000
    # The loss is in standardized units.
    latest = job.data.latest
    assert latest is not None
    assert latest.validation_loss is not None
    assert 0 < latest.validation_loss < 0.1
    [worst] = job.sample_predictions(1, order="worst").samples
    assert worst.target[0] == table["price"][worst.index]
    assert worst.outputs[0] == pytest.approx(predictions[worst.index], rel=1e-6)
    scale = float(table["price"].std())
    expected = (worst.outputs[0] - worst.target[0]) ** 2 / scale**2
    assert worst.loss == pytest.approx(expected, rel=0.2)  # of the training part


def test_rows_frames_and_files_give_the_same_predictions(
    client: epochal.Client, file: Path, tmp_path: Path
) -> None:
    job = trained(client, file, epochs=3)
    expected = job.predict(file)
    frame = pandas.read_csv(file, parse_dates=["built"])
    np.testing.assert_array_equal(job.predict(frame), expected)
    np.testing.assert_array_equal(job.predict(frame.to_dict("records")), expected)
    np.testing.assert_allclose(job.predict(frame.iloc[0].to_dict()), expected[0], rtol=1e-6)
    dataset = job.spec["dataset"]["id"]
    inputs = client.datasets.preview(dataset, rows=300).inputs
    np.testing.assert_array_equal(job.predict(inputs), expected)
    client.datasets.delete(dataset)
    np.testing.assert_array_equal(job.predict(frame), expected)
    with pytest.raises(epochal.InvalidArgument, match=r"rows\[0\].city: .*'Rome' is not one of"):
        job.predict({**frame.iloc[0].to_dict(), "city": "Rome"})
    with pytest.raises(epochal.InvalidArgument, match=r"rows\[0\].size"):
        job.predict({"rooms": 3})


def test_the_command_predicts_for_the_file_itself(
    client: epochal.Client, run: Run, file: Path, tmp_path: Path
) -> None:
    job = trained(client, file, epochs=3)
    expected = job.predict(file)[:, 0]
    printed = run("predict", job.id, "--csv", str(file)).stdout.splitlines()
    assert printed[0].split() == ["price"]
    assert len(printed) == 301
    other = tmp_path / "other.csv"
    frame = pandas.read_csv(file).drop(columns="price")
    for separator in (";", "\t"):
        frame.to_csv(other, index=False, sep=separator)
        reply = json.loads(run("predict", job.id, "--csv", str(other), "--json").stdout)
        assert [row[0] for row in reply["outputs"]] == expected.tolist()
    row = json.dumps(frame.iloc[0].to_dict())
    reply = json.loads(run("predict", job.id, "--inputs", row, "--json").stdout)
    assert reply["outputs"][0][0] == pytest.approx(expected[0], rel=1e-6)
    wrong = run("predict", job.id, "--inputs", '{"size": 3}')
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: rows[0].rooms: ")


def test_labels_of_an_uploaded_table_outlive_it(client: epochal.Client) -> None:
    rows = "\n".join(f"{x},{'far' if x > 3 else 'near'}" for x in range(8))
    dataset = client.datasets.upload(f"x,distance\n{rows}\n", name="distances")
    job = client.jobs.create(
        {
            "network": epochal.network([1], [epochal.dense(1, "sigmoid")]),
            "dataset": {"id": dataset.id},
            "loss": "binary_cross_entropy",
            "epochs": 200,
            "optimizer": {"type": "adam", "learning_rate": 0.3},
        }
    ).wait(60)
    client.datasets.delete(dataset.id)
    assert job.spec["target_scaling"] == "none"
    assert job.classify([{"x": 0}, {"x": 7}]) == ["near", "far"]


def answers_of(script: Path, text: str) -> list[str]:
    """Return the lines that an exported program prints for a CSV on its standard input."""
    done = subprocess.run(
        [sys.executable, "-I", str(script)], input=text, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_an_exported_program_answers_the_original_file(
    client: epochal.Client, file: Path, tmp_path: Path
) -> None:
    job = trained(client, file, epochs=3)
    script = tmp_path / "houses.py"
    script.write_bytes(job.export())
    expected = job.predict(file)[:, 0]
    printed = [float(line) for line in answers_of(script, file.read_text())]
    np.testing.assert_allclose(printed, expected, rtol=1e-5)
    compile(job.export("pytorch").decode(), "houses.py", "exec")

    model = onnx.load_from_string(job.export("onnx"))
    inputs = client.datasets.preview(job.spec["dataset"]["id"], rows=300).inputs
    (outputs,) = ReferenceEvaluator(model).run(None, {"input": inputs.astype(np.float32)})
    np.testing.assert_allclose(np.asarray(outputs)[:, 0], expected, rtol=1e-4)
    (described,) = model.graph.input
    assert described.doc_string.startswith(
        "In the units of the data: size, rooms, garage, city=Bonn, city=Kiel, city=Ulm, built year"
    )
    assert "garage is 0 for no, 1 for yes" in described.doc_string
    assert model.graph.output[0].doc_string == "In the units of the data: price"
    metadata = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert metadata["target_names"] == ["price"]
    arrays = load(job.export("safetensors"))
    assert arrays["target_scaling.scale"].shape == (1,)


KINDS = """id,size,day,open,color,kind
1,"1,5",3/4/2021 10:30,y,red,cat
2,"2,25",25/5/2022 11:00,n,,dog
3,,4 June 2023,,blue,fox
4,"0,5",2.1.2020,y,red,cat
"""


def test_an_exported_program_encodes_every_kind_of_column(
    client: epochal.Client, tmp_path: Path
) -> None:
    text = KINDS.replace("2.1.2020", "2020-01-02")
    dataset = client.datasets.upload(
        text, missing="auto", columns={"color": {"missing": "category", "unknown": "other"}}
    )
    job = client.jobs.create(
        network=epochal.network([dataset.features], [epochal.dense(3, "softmax")]),
        dataset=dataset,
        loss="cross_entropy",
        epochs=20,
    ).wait(60)
    script = tmp_path / "kinds.py"
    script.write_bytes(job.export())
    again = text + '5,"7,5",9/9/2021,NA,green,fox\n'
    assert answers_of(script, again) == job.classify(again)
    inputs = client.datasets.preview(dataset.id).inputs
    program: dict[str, Any] = {"__name__": "kinds"}
    exec(compile(script.read_text(), "kinds.py", "exec"), program)
    np.testing.assert_array_equal(program["encode"](program["read"](text)), inputs)
    row = {"size": 1.5, "day": "2021-04-03 10:30", "open": True, "color": "red"}
    np.testing.assert_array_equal(program["encode"]([row]), inputs[:1])
    with pytest.raises(ValueError, match="'open': 'perhaps' is neither yes nor no"):
        program["encode"]([{**row, "open": "perhaps"}])
