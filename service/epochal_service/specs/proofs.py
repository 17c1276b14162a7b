"""A proof of a run, and the result of its repetition: the homework of an exercise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import EveryError, Matches, Reply, Request, RequestId, Spec
from .training import Metric, TrainingSpec

Sha256 = Annotated[str, Matches(r"[0-9a-f]{64}", "must be a SHA-256: 64 hexadecimal digits")]
ProofVerdict = Literal["pending", "accepted", "inexact", "refused", "unknown"]


class ProofColumn(Spec):
    """One metric of a run in all of its epochs."""

    metric: Metric
    """Name of the metric."""
    values: Annotated[list[float], Field(min_length=1)]
    """Values of the metric, one per epoch from 1 on, to the bit."""


class Proof(Spec):
    """All that a service needs to repeat a run and to compare every bit of it."""

    owner: Annotated[str, Field(min_length=1, max_length=40)]
    """Owner of the job in the service that trained it; `local` in a service without keys."""
    kernel: Annotated[str, Field(max_length=1000)]
    """Versions of the software, and the kind of processor: with the same ones, every bit is the
    same.
    """
    spec: TrainingSpec
    """The spec of the job, with its changes and its seed."""
    data_sha256: Sha256
    """SHA-256 of the data set, with the validation data set behind it."""
    curve: Annotated[list[ProofColumn], Field(min_length=1, max_length=16), EveryError(16)]
    """All metrics that follow from the spec, in all epochs."""
    weights_sha256: Sha256
    """SHA-256 of the weights after the last epoch, as `GET /v1/jobs/{id}/checkpoints` lists it."""


class SubmitProofOptions(Request):
    """Options besides the proof: a header on HTTP, a field on gRPC."""

    request_id: RequestId | None = None
    """Idempotency key: the same key and the same proof return the same attempt."""


class ProofResult(Reply):
    """The comparison of a proof with the repetition of its run."""

    verdict: ProofVerdict
    """`accepted` if the curve and the final weights are the same, to the bit; `refused` if they are
    not; `inexact` if they are not, and another kind of processor or other versions trained the run;
    `pending` until the service has repeated it; `unknown` if it could not.
    """
    detail: str
    """The verdict in words."""
    epoch: int | None = None
    """First epoch that differs: for `inexact` by more than rounding errors; absent without one."""
    metric: str | None = None
    """The metric that differs in that epoch, or `weights`."""
    submitted: float | None = None
    """Value of the metric in the proof; absent if it has none."""
    repeated: float | None = None
    """Value of the metric in the repetition; absent if it has none."""
    same_as: str | None = None
    """Another owner who submitted the same curve, the first of several. Only the owner of the
    exercise sees it.
    """
