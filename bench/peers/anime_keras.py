"""The anime article's networks and loop in Keras 3 on TensorFlow, 64x64, batch 32, with the critic truly training.

As the notebook does it (haryoa/DCGAN-Anime), `train_on_batch` on a critic and on a generator with the critic behind
it. `trainable = False` on the critic itself would reach back to it since Keras 3, so the second model has a copy
of the critic's layers that shares the weights through `clone_model` and is given them anew each step.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers
from turns import take


def generator() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(128 * 32 * 32), layers.Reshape((32, 32, 128)), layers.LeakyReLU(negative_slope=0.3),
            layers.Conv2D(256, 5, padding="same"), layers.LeakyReLU(negative_slope=0.3),
            layers.Conv2DTranspose(256, 4, strides=2, padding="same"), layers.LeakyReLU(negative_slope=0.3),
            layers.Conv2D(256, 5, padding="same"), layers.LeakyReLU(negative_slope=0.3),
            layers.Conv2D(256, 5, padding="same"), layers.LeakyReLU(negative_slope=0.3),
            layers.Conv2D(3, 7, padding="same", activation="tanh"),
        ]
    )  # fmt: skip


def critic() -> keras.Model:
    stack = [keras.Input((64, 64, 3)), layers.Conv2D(128, 3), layers.LeakyReLU(negative_slope=0.3)]
    for _ in range(3):
        stack += [layers.Conv2D(128, 4, strides=2), layers.LeakyReLU(negative_slope=0.3)]
    return keras.Sequential([*stack, layers.Flatten(), layers.Dropout(0.4), layers.Dense(1, activation="sigmoid")])


def main() -> None:
    G, D = generator(), critic()
    D.compile(keras.optimizers.RMSprop(8e-4, clipvalue=1.0), "binary_crossentropy")
    frozen = keras.models.clone_model(D)
    frozen.trainable = False
    through = keras.Sequential([keras.Input((64,)), G, frozen])
    through.compile(keras.optimizers.RMSprop(4e-4, clipvalue=1.0), "binary_crossentropy")
    rng = np.random.default_rng(0)
    real = rng.uniform(-1, 1, (32, 64, 64, 3)).astype("float32")

    def latents() -> np.ndarray:
        return rng.standard_normal((32, 64)).astype("float32")

    def step() -> None:
        fake = G.predict(latents(), verbose=0)
        labels = np.concatenate([np.ones((32, 1)), np.zeros((32, 1))]) + 0.05 * rng.random((64, 1))
        D.train_on_batch(np.concatenate([fake, real]), labels)
        frozen.set_weights(D.get_weights())
        through.train_on_batch(latents(), np.zeros((32, 1)))

    before = [weight.copy() for weight in D.get_weights()]
    step()
    if all(np.array_equal(a, b) for a, b in zip(before, D.get_weights(), strict=True)):
        raise SystemExit("The critic does not train: this is not the article's loop.")
    take(step)


if __name__ == "__main__":
    main()
