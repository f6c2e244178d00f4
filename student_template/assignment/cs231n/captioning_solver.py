"""Training of captioning models."""

import numpy as np

from . import optim
from .coco_utils import sample_coco_minibatch


class CaptioningSolver:
    """
    Train a captioning model by stochastic gradient descent on minibatches of its training captions.

        data = load_coco_data()
        model = CaptioningRNN(data["word_to_idx"], hidden_dim=512)
        solver = CaptioningSolver(model, data, update_rule="adam", optim_config={"learning_rate": 5e-3}, num_epochs=20)
        solver.train()
        plt.plot(solver.loss_history)

    A model is anything with a dictionary `params` of arrays, and `loss(features, captions)` that returns the loss and a
    dictionary `grads` with the same keys. It is trained in place.

    Attributes that may be of interest afterwards:
    - loss_history: the loss of each minibatch, in order
    - epoch: how many epochs have been completed
    - best_params, best_loss: copies of the parameters at the end of the epoch with the lowest mean loss, and that loss
    """

    def __init__(
        self,
        model,
        data,
        *,
        update_rule="sgd",
        optim_config=None,
        lr_decay=1.0,
        batch_size=100,
        num_epochs=10,
        print_every=10,
        verbose=True,
    ):
        """
        Inputs:
        - model: The model to train
        - data: Dictionary of the training data, as load_coco_data returns it
        - update_rule: Name of a function in optim.py
        - optim_config: Dictionary of settings for the update rule; each rule needs a 'learning_rate', or has a default
        - lr_decay: The learning rate is multiplied by this after each epoch
        - batch_size: How many captions make a minibatch
        - num_epochs: How many epochs to train for
        - print_every: Print the loss each time after so many minibatches
        - verbose: Print at all
        """
        rules = ("sgd", "sgd_momentum", "rmsprop", "adam")
        if update_rule not in rules:
            raise ValueError(f"update_rule is {update_rule!r}; it must be one of {', '.join(rules)}")

        self.model = model
        self.data = data
        self.update_rule = getattr(optim, update_rule)
        self.optim_config = dict(optim_config or {})
        self.lr_decay = lr_decay
        self.batch_size = batch_size
        self.num_epochs = num_epochs
        self.print_every = print_every
        self.verbose = verbose

        self.epoch = 0
        self.loss_history = []
        self.best_loss = np.inf
        self.best_params = {}
        # Each parameter has a config of its own, since the rules keep averages of its shape in it.
        self.optim_configs = {name: dict(self.optim_config) for name in model.params}

    def _step(self):
        """Draw a minibatch, and update every parameter by its gradient."""
        captions, features, _ = sample_coco_minibatch(self.data, batch_size=self.batch_size, split="train")
        loss, grads = self.model.loss(features, captions)
        self.loss_history.append(loss)
        for name, w in self.model.params.items():
            self.model.params[name], self.optim_configs[name] = self.update_rule(
                w, grads[name], self.optim_configs[name]
            )

    def train(self):
        """Train the model for num_epochs epochs."""
        num_train = self.data["train_captions"].shape[0]
        steps_per_epoch = max(num_train // self.batch_size, 1)
        num_steps = self.num_epochs * steps_per_epoch
        for step in range(num_steps):
            self._step()
            if self.verbose and step % self.print_every == 0:
                print(f"(Iteration {step + 1} / {num_steps}) loss: {self.loss_history[-1]:f}")
            if (step + 1) % steps_per_epoch == 0:
                self._end_epoch(np.mean(self.loss_history[-steps_per_epoch:]))

    def _end_epoch(self, mean_loss):
        """Count the epoch, lower the learning rates, and keep the parameters if they are the best so far."""
        self.epoch += 1
        for config in self.optim_configs.values():
            config["learning_rate"] *= self.lr_decay
        if mean_loss < self.best_loss:
            self.best_loss = mean_loss
            self.best_params = {name: w.copy() for name, w in self.model.params.items()}
