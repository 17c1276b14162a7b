"""From a gradient to the next weights: optimizers, schedules, augmentation and stopping."""
