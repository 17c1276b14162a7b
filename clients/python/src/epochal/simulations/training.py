"""Section 8 of the journey: the training loop, its learning rates and its schedules."""

from __future__ import annotations

from ..specs import Spec
from ..types import (
    LearningRatesSimulation,
    ScheduleSimulation,
    TrainingSimulation,
)
from .explorer import Explorer


class TrainingExplorer(Explorer):
    """Part of `client.simulate`."""

    def training(
        self,
        *,
        network: Spec | None = None,
        dataset: Spec | None = None,
        loss: str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: Spec | None = None,
        schedule: Spec | None = None,
        seed: int | None = None,
        steps: int | None = None,
        maps: int | None = None,
    ) -> TrainingSimulation:
        """A short run without a job: its first steps in full, and the curve of the rest.

        `steps` of them (0 to 10) are told. At most 2,000 samples, 2,000 `epochs` and 20,000
        parameters, within a budget of about 0.2 s; the `dataset` is named, or rows: `{"inputs": …,
        "targets": …}`. With `maps` (up to 40), that many maps of the plane of two inputs, from the
        first weights to the last.

        >>> answer = client.simulate.training(epochs=20)
        >>> answer.train_loss.shape, len(answer.steps)
        ((20,), 3)
        """
        return self._ask(
            "SimulateTraining",
            TrainingSimulation,
            network=network,
            dataset=dataset,
            loss=loss,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            schedule=schedule,
            seed=seed,
            steps=steps,
            maps=maps,
        )

    def learning_rates(
        self,
        *,
        network: Spec | None = None,
        dataset: Spec | None = None,
        loss: str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: Spec | None = None,
        lowest: float | None = None,
        highest: float | None = None,
        rates: int | None = None,
        seeds: int | None = None,
        seed: int | None = None,
    ) -> LearningRatesSimulation:
        """Where a learning rate is too low, slow, good, oscillating or diverging, by training.

        `rates` of them (2 to 64) from `lowest` to `highest`, in equal ratios, each from `seeds`
        starts (1 to 9); the run in the middle is told. For more rates, seeds or epochs than one
        call may cost, see `client.sweeps`.

        >>> answer = client.simulate.learning_rates(rates=3, lowest=1e-6, highest=1e4, epochs=50)
        >>> [round(result.learning_rate, 6) for result in answer.results]
        [1e-06, 0.1, 10000.0]
        """
        return self._ask(
            "SimulateLearningRates",
            LearningRatesSimulation,
            network=network,
            dataset=dataset,
            loss=loss,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            lowest=lowest,
            highest=highest,
            rates=rates,
            seeds=seeds,
            seed=seed,
        )

    def schedule(
        self,
        schedule: Spec,
        *,
        learning_rate: float | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        points: int | None = None,
    ) -> ScheduleSimulation:
        """The learning rate of every epoch by a schedule, before anything is trained.

        `points` epochs at most (2 to 2,001) are told, evenly spaced, the first and the last among
        them.

        >>> cosine = {"type": "cosine", "final_fraction": 0.1}
        >>> client.simulate.schedule(cosine, learning_rate=3e-4).midpoint.value
        0.000165
        """
        return self._ask(
            "SimulateSchedule",
            ScheduleSimulation,
            schedule=schedule,
            learning_rate=learning_rate,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            points=points,
        )
