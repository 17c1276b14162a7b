"""From a gradient to the next weights: optimizers, schedules, changes of samples, and stopping."""
