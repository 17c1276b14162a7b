"""The first job of the README, through the Python stubs that grpcio-tools generates."""

import sys

import grpc
from epochal.v1 import jobs_pb2, jobs_pb2_grpc, networks_pb2

SPEC = jobs_pb2.TrainingSpec(
    network=jobs_pb2.JobNetwork(
        inline=networks_pb2.NetworkSpec(
            input_shape=[2],
            layers=[
                networks_pb2.LayerSpec(
                    dense=networks_pb2.DenseSpec(units=4, activation=networks_pb2.ACTIVATION_TANH)
                ),
                networks_pb2.LayerSpec(
                    dense=networks_pb2.DenseSpec(
                        units=1, activation=networks_pb2.ACTIVATION_SIGMOID
                    )
                ),
            ],
        )
    ),
    dataset=jobs_pb2.DatasetSpec(builtin=jobs_pb2.NamedDataset(name="xor")),
    loss=jobs_pb2.LOSS_BINARY_CROSS_ENTROPY,
    epochs=500,
)

with grpc.insecure_channel(sys.argv[1]) as channel:
    service = jobs_pb2_grpc.TrainingServiceStub(channel)
    job = service.CreateJob(jobs_pb2.CreateJobRequest(spec=SPEC))
    for _ in service.WatchJob(jobs_pb2.WatchJobRequest(id=job.id)):
        pass  # The stream ends with the job.
    job = service.GetJob(jobs_pb2.GetJobRequest(id=job.id))
print(job.id, jobs_pb2.JobState.Name(job.state), job.latest.train_loss)
