"""The meaning of the API's enums, of words in them that need an explanation, and of unions.

The words themselves stand in the models. The types of layers, optimizers, schedules,
augmentations and corruptions are described by the docstrings of their models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class EnumDescription(NamedTuple):
    """The meaning of an enum and of its words."""

    description: str
    words: Mapping[str, str] = {}


ENUMS: dict[str, EnumDescription] = {
    "JobState": EnumDescription(
        "The state of a job or a sweep.",
        {
            "waiting": "Waits for another job that it needs. Next: queued, paused or cancelled.",
            "queued": "Waits for a worker. Next: running, paused, cancelled or failed.",
            "running": "A worker trains it. Next: pausing, cancelling, succeeded, failed, or "
            "queued if the worker stops or is lost.",
            "pausing": "Pauses at the end of the epoch. Next: paused, running if resumed, "
            "cancelling, succeeded or failed.",
            "paused": "Waits with its last checkpoint. Next: queued, waiting or cancelled.",
            "cancelling": "Stops at the end of the epoch. Next: cancelled, succeeded or failed.",
            "succeeded": "Final: the training ended as planned.",
            "failed": "Final: `stop_reason` and `detail` say why.",
            "cancelled": "Final: a user cancelled it, or a job that it needs did not succeed.",
        },
    ),
    "StopReason": EnumDescription(
        "Why a job, a sweep or a member of a sweep ended.",
        {
            "completed": "All epochs are trained.",
            "early_stopped": "The loss did not improve for `early_stopping.patience` epochs.",
            "target_reached": "The metric of `target` reached its value.",
            "diverged": "The loss or a gradient is not finite.",
            "deadline_exceeded": "The job took longer than `deadline_seconds`.",
            "attempts_exhausted": "Its workers were lost too often without progress.",
            "out_of_memory": "It needed more memory than it may use.",
            "dependency_failed": "A job that it needs failed or was cancelled.",
            "user": "A user cancelled it.",
            "internal": "The service met an unexpected error.",
        },
    ),
    "WorkerState": EnumDescription(
        "The state of a worker.",
        {
            "idle": "Waits for a job.",
            "busy": "Trains a job.",
            "lost": "Was not seen for a minute. Its jobs go to other workers.",
        },
    ),
    "LabelName": EnumDescription(
        "What the training loss says about the learning rate.",
        {
            "too_low": "The loss hardly changed.",
            "slow": "The loss fell steadily and had not settled at the end.",
            "good": "The loss fell and settled.",
            "oscillating": "The loss rose and fell without lasting progress.",
            "diverged": "The loss ended above its start, or is not finite.",
        },
    ),
    "Scaling": EnumDescription(
        "How input features are scaled, with statistics of the training samples.",
        {
            "standard": "To mean 0 and standard deviation 1.",
            "minmax": "To the range from 0 to 1.",
        },
    ),
    "DatasetTask": EnumDescription(
        "What a data set's targets are.",
        {"sequence": "A class at each of several positions."},
    ),
    "UploadTask": EnumDescription(
        "What the target column of a CSV file is.",
        {"auto": "Classification for text or at most 20 different integers, else regression."},
    ),
    "ExportFormat": EnumDescription(
        "The format of an exported network.",
        {
            "numpy": "A program that needs only NumPy and contains the weights.",
            "pytorch": "A PyTorch module that contains the weights.",
            "onnx": "An ONNX model in float32, opset 20. A server without the extra `onnx` answers "
            "UNIMPLEMENTED with the reason `not_installed`.",
            "safetensors": "The weights alone, with the scaling of the inputs.",
        },
    ),
    "FindingKind": EnumDescription(
        "What a diagnosis found.",
        {
            "leakage": "The validation part has training samples, or a feature is the target.",
            "class_imbalance": "A rare class is hardly recognized.",
            "label_noise": "Some labels or targets are probably wrong.",
            "output_activation": "The output activation cannot reach the targets.",
            "wrong_loss": "A loss for numbers is minimized for classes.",
            "shifted_inputs": "Features vary little around a value far from 0.",
            "constant_inputs": "The largest feature is the same for every sample.",
            "strong_augmentation": "Random changes leave too little of the samples.",
            "symmetric_weights": "All units of a layer start with the same weights.",
            "batch_norm_small_batches": "Batch statistics come from very few samples.",
            "large_batches": "Batches are so large that there are few steps.",
            "tight_clipping": "Clipping makes nearly every step far smaller than the rate says.",
            "loss_spikes": "The training loss jumps up and returns.",
            "plateau": "The schedule or a penalty keeps the loss from falling.",
            "underfitting": "The network is too small.",
            "worse_than_constant": "The same prediction for every input would be better.",
        },
    ),
    "TrialMetric": EnumDescription(
        "The loss that a trial compares.",
        {
            "balanced_validation_loss": "The mean over the classes of their validation losses.",
            "balanced_train_loss": "The mean over the classes of their training losses.",
        },
    ),
    "Split": EnumDescription("A part of the samples: training, validation, or both."),
    "EvaluationSplit": EnumDescription("A part of the samples."),
    "SampleOrder": EnumDescription(
        "In which order samples come.",
        {"worst": "By loss, largest first.", "best": "By loss, smallest first."},
    ),
    "FlowLabel": EnumDescription("What happens to a gradient on the backward pass."),
    "ApproximationTarget": EnumDescription("A curve to fit."),
    "CountingConvention": EnumDescription(
        "How layers and neurons are counted.",
        {"with_input": "The input counts as a layer of neurons."},
    ),
    "TokenBaselineName": EnumDescription(
        "A reference distribution over the vocabulary.",
        {
            "uniform": "The same probability for every token.",
            "confident_correct": "99 % for the true token.",
            "confident_incorrect": "99 % for another token, and the rest evenly for all others.",
        },
    ),
    "SourceType": EnumDescription(
        "The source of a number of parameters.",
        {
            "computed": "Computed exactly from the sizes of the layers.",
            "published": "Published by the authors.",
            "estimated": "Estimated by others.",
        },
    ),
    "TruthTableName": EnumDescription("One of the 16 truth tables of two inputs."),
    "WeightsFrom": EnumDescription(
        "Where the weights of a network come from.",
        {
            "seed": "Initial weights, as a job with this seed has them.",
            "pattern": "In dense layer l, the weight of unit o and input i is 0.1 ((3 o + 5 i + "
            "7 l) mod 11 - 5), and the bias of unit o is 0.1 ((o + l) mod 3 - 1). All indices "
            "count from 0.",
        },
    ),
    "TransformerFamily": EnumDescription(
        "A family of transformer architectures.",
        {
            "gpt": "Biases, layer norms, learned positions, and token embeddings that are also the "
            "output weights.",
            "bert": "Like `gpt`, with segment embeddings and a final dense layer.",
            "llama": "No biases, RMS norms, gated feed-forward layers of three matrices, rotary "
            "positions without parameters, and separate output weights.",
        },
    ),
}
"""By the name of the enum on gRPC."""

UNIONS: dict[str, str] = {
    "JobNetwork": "The network of a job: its input shape and its layers, or a saved network.",
    "DatasetSpec": "The data of a job: a built-in data set by its name, an uploaded one by its id, "
    "or inputs and targets.",
    "ShortDataset": "The data of a short run: a built-in data set, or inputs and targets.",
    "LayerSpec": "A layer.",
    "OptimizerSpec": "An optimizer.",
    "ScheduleSpec": "A learning rate schedule.",
    "AugmentationSpec": "A random change of the training samples.",
    "CorruptionSpec": "A corruption, which hides a part of every sample.",
    "RewardSpec": "A reward of a text, a number that a network learns to increase.",
}
"""The messages that hold one of several kinds."""
