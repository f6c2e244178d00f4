"""The package of the assignment: the layers, the model, its data, its training."""
