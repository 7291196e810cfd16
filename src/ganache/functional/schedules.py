"""Schedules: how settings change during training, as functions of the step or of the number of images seen."""

from __future__ import annotations


def inverse_time(step: int, decay: float) -> float:
    """Return the factor on the learning rate after `step` steps, 1 / (1 + decay * step), as in Keras 2.

    >>> inverse_time(0, 1e-8), inverse_time(100, 0.01)
    (1.0, 0.5)
    """
    return 1.0 / (1.0 + decay * step)


def critic_steps(step: int, usual: int, boosted: int, first: int, every: int) -> int:
    """Return the number of critic steps before generator step `step`, counted from 0.

    It is `boosted` for the `first` steps and at every multiple of `every` (0: never), else `usual`. The WGAN authors'
    code takes 100 instead of 5 for the first 25 steps and at every 500th (martinarjovsky/WassersteinGAN, main.py).

    >>> [critic_steps(step, 5, 100, 25, 500) for step in (0, 24, 25, 499, 500, 501)]
    [100, 100, 5, 5, 100, 5]
    """
    recurs = every > 0 and step % every == 0
    return boosted if step < first or recurs else usual


def noise_level(step: int, start: float, steps: int) -> float:
    """Return the standard deviation of instance noise, which falls linearly from `start` to 0 at `steps`.

    >>> [noise_level(step, 0.4, 100) for step in (0, 50, 100, 500)]
    [0.4, 0.2, 0.0, 0.0]
    """
    return start * max(0.0, 1 - step / steps)


def adapted_augment_p(augment_p: float, mean_sign: float, step: float, target: float = 0.6) -> float:
    """Return the augmentation probability, moved by `step` towards the target and clamped to [0, 1].

    `mean_sign` is the mean sign of the critic's scores on real images: above the target the critic overfits, and the
    probability rises. Karras et al. 2020, "Training generative adversarial networks with limited data", use 0.6.

    >>> adapted_augment_p(0.5, mean_sign=0.9, step=0.1), adapted_augment_p(0.05, mean_sign=0.2, step=0.1)
    (0.6, 0.0)
    """
    return min(1.0, max(0.0, augment_p + (step if mean_sign > target else -step)))


def ema_decay(images_seen: int, batch: int, half_life: float, rampup: float) -> float:
    """Return the decay of the weight average for one step, so that a weight's share halves in `half_life` images.

    At the start the half-life is at most `rampup` times the images seen, so that the average soon forgets the random
    initial weights (Karras et al. 2020, StyleGAN2's training loop).

    >>> ema_decay(10**9, 64, 64.0, 0.05)
    0.5
    >>> ema_decay(0, 64, 10_000.0, 0.05)
    0.0
    """
    half_life = min(half_life, images_seen * rampup)
    return 0.5 ** (batch / half_life) if half_life > 0 else 0.0
