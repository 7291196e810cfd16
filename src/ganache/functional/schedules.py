"""How settings change along a run: pure functions of the step or of the images seen."""

from __future__ import annotations


def inverse_time(step: int, decay: float) -> float:
    """The factor on a learning rate after `step` steps in Keras' way, 1 / (1 + decay * step).

    >>> inverse_time(0, 1e-8), inverse_time(100, 0.01)
    (1.0, 0.5)
    """
    return 1.0 / (1.0 + decay * step)


def critic_steps(step: int, usual: int, boosted: int, first: int, every: int) -> int:
    """Critic steps before generator step `step` (from 0): more at the start and now and then.

    The WGAN authors' code takes 100 in place of 5 for the first 25 generator steps and at every 500th
    (martinarjovsky/WassersteinGAN, main.py). `every` = 0 means never again.

    >>> [critic_steps(step, 5, 100, 25, 500) for step in (0, 24, 25, 499, 500, 501)]
    [100, 100, 5, 5, 100, 5]
    """
    again = every > 0 and step % every == 0
    return boosted if step < first or again else usual


def noise_level(step: int, start: float, steps: int) -> float:
    """The standard deviation of instance noise: from `start` in a straight line to 0 at `steps`, then 0.

    >>> [noise_level(step, 0.4, 100) for step in (0, 50, 100, 500)]
    [0.4, 0.2, 0.0, 0.0]
    """
    return start * max(0.0, 1 - step / steps)


def adapted_augment_p(strength: float, sure: float, share: float, target: float = 0.6) -> float:
    """The strength of augmentation, moved up or down by `share`, and kept from 0 to 1.

    `sure` is the mean sign of the critic's scores on real images; 0.6 is where Karras et al. 2020 hold it (figure 5).

    >>> adapted(0.5, sure=0.9, share=0.1), adapted(0.05, sure=0.2, share=0.1)
    (0.6, 0.0)
    """
    return min(1.0, max(0.0, strength + (share if sure > target else -share)))


def ema_decay(images_seen: int, batch: int, half_life: float, rampup: float) -> float:
    """How much of the averaged weights stays at one step, so that a weight's share halves in `half_life` images.

    At the start the half-life is at most `rampup` times the images seen, or the average would keep the first,
    random weights for long (Karras et al. 2020, StyleGAN2's training loop).

    >>> ema_decay(10**9, 64, 64.0, 0.05)
    0.5
    >>> ema_decay(0, 64, 10_000.0, 0.05)
    0.0
    """
    half_life = min(half_life, images_seen * rampup)
    return 0.5 ** (batch / half_life) if half_life > 0 else 0.0
