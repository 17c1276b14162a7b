"""What a trained network answers: predictions, samples, and its training as a program."""
