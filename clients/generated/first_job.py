"""The first job of the README, through the client that openapi-python-client generates."""

import sys
import time

from epochal_client import Client
from epochal_client.api.jobs import create_job, get_job
from epochal_client.models import (
    DenseSpec,
    DenseSpecActivation,
    Job,
    JobState,
    NamedDataset,
    NamedDatasetName,
    NetworkSpec,
    Problem,
    TrainingSpec,
    TrainingSpecLoss,
)

SPEC = TrainingSpec(
    network=NetworkSpec(
        input_shape=[2],
        layers=[
            DenseSpec(type_="dense", units=4, activation=DenseSpecActivation.TANH),
            DenseSpec(type_="dense", units=1, activation=DenseSpecActivation.SIGMOID),
        ],
    ),
    dataset=NamedDataset(name=NamedDatasetName.XOR),
    loss=TrainingSpecLoss.BINARY_CROSS_ENTROPY,
    epochs=500,
)


def checked(reply: Job | Problem | None) -> Job:
    """Return the job, or leave with the problem."""
    if not isinstance(reply, Job):
        sys.exit(str(reply))
    return reply


client = Client(base_url=sys.argv[1])
job = checked(create_job.sync(client=client, body=SPEC))
while job.state in (JobState.QUEUED, JobState.RUNNING):
    time.sleep(0.1)
    job = checked(get_job.sync(job.id, client=client))
print(job.id, job.state, job.latest and job.latest.train_loss)
