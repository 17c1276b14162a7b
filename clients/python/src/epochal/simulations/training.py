"""Section 8 of the journey: the training loop, learning rates and schedules."""

from __future__ import annotations

from ..specs import Spec, with_objects
from ..types import (
    LearningRatesSimulation,
    LossName,
    NetworkSpec,
    OptimizerChoice,
    ScheduleChoice,
    ScheduleSimulation,
    ShortDatasetChoice,
    TrainingSimulation,
)
from .explorer import Explorer


class TrainingExplorer(Explorer):
    """Part of `client.simulate`."""

    def training(
        self,
        *,
        network: NetworkSpec | Spec | None = None,
        dataset: ShortDatasetChoice | None = None,
        loss: LossName | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: OptimizerChoice | None = None,
        schedule: ScheduleChoice | None = None,
        seed: int | None = None,
        steps: int | None = None,
        maps: int | None = None,
    ) -> TrainingSimulation:
        """Train a small network without a job: its first steps in full, then the curve.

        The reply explains the first `steps` steps (0 to 10). The run has at most 2,000 samples,
        2,000 `epochs` and 20,000 parameters, within a budget of about 0.2 s. The `dataset` is
        built-in, or rows: `{"inputs": …, "targets": …}`. `maps` (up to 40) adds maps of the output
        over two inputs, from the initial weights to the last epoch.

        >>> reply = client.simulate.training(epochs=20)
        >>> reply.train_loss.shape, len(reply.steps)
        ((20,), 3)
        """
        fields = {
            "network": network,
            "dataset": dataset,
            "loss": loss,
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizer": optimizer,
            "schedule": schedule,
            "seed": seed,
            "steps": steps,
            "maps": maps,
        }
        return self._simulate("SimulateTraining", TrainingSimulation, **with_objects(fields))

    def learning_rates(
        self,
        *,
        network: NetworkSpec | Spec | None = None,
        dataset: ShortDatasetChoice | None = None,
        loss: LossName | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: OptimizerChoice | None = None,
        lowest: float | None = None,
        highest: float | None = None,
        rates: int | None = None,
        seeds: int | None = None,
        seed: int | None = None,
    ) -> LearningRatesSimulation:
        """Train at each learning rate, and label it too low, slow, good, oscillating or diverged.

        There are `rates` rates (2 to 64) from `lowest` to `highest` at equal ratios, each with
        `seeds` seeds (1 to 9), of which the median run is returned. `client.sweeps` is for larger
        experiments.

        >>> reply = client.simulate.learning_rates(rates=3, lowest=1e-6, highest=1e4, epochs=50)
        >>> [round(result.learning_rate, 6) for result in reply.results]
        [1e-06, 0.1, 10000.0]
        """
        fields = {
            "network": network,
            "dataset": dataset,
            "loss": loss,
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizer": optimizer,
            "lowest": lowest,
            "highest": highest,
            "rates": rates,
            "seeds": seeds,
            "seed": seed,
        }
        return self._simulate(
            "SimulateLearningRates", LearningRatesSimulation, **with_objects(fields)
        )

    def schedule(
        self,
        schedule: ScheduleChoice,
        *,
        learning_rate: float | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        points: int | None = None,
    ) -> ScheduleSimulation:
        """Compute the learning rate of every epoch under a schedule.

        The reply has at most `points` epochs (2 to 2,001), evenly spaced, with the first and the
        last one.

        >>> from epochal import schedules
        >>> cosine = schedules.cosine(final_fraction=0.1)
        >>> client.simulate.schedule(cosine, learning_rate=3e-4).midpoint.value
        0.000165
        """
        return self._simulate(
            "SimulateSchedule",
            ScheduleSimulation,
            **with_objects({"schedule": schedule}),
            learning_rate=learning_rate,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            points=points,
        )
