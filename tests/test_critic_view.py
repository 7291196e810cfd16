"""What the critic sees: augmentations match their definitions, noise has its level, and nothing else changes."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ganache.config.sections import ViewConfig
from ganache.functional.augment import (
    AUGMENTATIONS,
    Shift,
    colour,
    cutout,
    shifted_at_once,
    shifted_one_by_one,
    translation,
)
from ganache.methods import Gan, Lsgan
from ganache.networks import Dcgan
from ganache.training import build
from ganache.training.critic_view import CriticView, with_probability
from ganache.training.state import Plan, State
from ganache.training.steps import adapt_augmentation
from ganache.types import Critic


def pictures(n: int = 64, channels: int = 3) -> Tensor:
    return torch.rand(n, channels, 16, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1


def test_translation_shifts_whole_images_and_fills_with_black() -> None:
    torch.manual_seed(0)
    x = pictures()
    shifts = set()
    for before, after in zip(x, translation(x), strict=True):
        found = []
        for down in range(-2, 3):
            for across in range(-3, 4):
                expected = torch.zeros_like(before)
                rows = slice(max(0, -down), 16 - max(0, down)), slice(max(0, down), 16 + min(0, down))
                columns = slice(max(0, -across), 24 - max(0, across)), slice(max(0, across), 24 + min(0, across))
                expected[:, rows[0], columns[0]] = before[:, rows[1], columns[1]]
                if torch.equal(expected, after):
                    found.append((down, across))
        assert len(found) == 1
        shifts |= set(found)
    assert {down for down, _ in shifts} == set(range(-2, 3)), "an eighth of 16 pixels, both ways"
    assert {across for _, across in shifts} == set(range(-3, 4)), "an eighth of 24"


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_images_are_shifted_one_by_one_as_at_once(memory_format: torch.memory_format) -> None:
    x = pictures(6).contiguous(memory_format=memory_format).requires_grad_()
    down, across = torch.tensor([[0], [1], [-2], [16], [-17], [3]]), torch.tensor([[2], [0], [-3], [1], [1], [24]])
    one_by_one = shifted_one_by_one(x, down, across)
    at_once = shifted_at_once(x, down, across)
    assert torch.equal(one_by_one, at_once)
    weights = torch.rand(x.shape, dtype=x.dtype)
    found, expected = (torch.autograd.grad((y * weights).sum(), x)[0] for y in (one_by_one, at_once))
    assert torch.equal(found, expected)
    assert torch.autograd.gradgradcheck(lambda x: Shift.apply(x**2, [1, -1], [0, 5]), x[:2, :, :3, :3])


def test_cutout_blackens_one_box_and_keeps_the_rest() -> None:
    torch.manual_seed(0)
    x = pictures(400)
    cut = cutout(x)
    black = (cut == 0).all(dim=1)  # [B, H, W]
    assert torch.equal(cut[~black[:, None].expand_as(cut)], x[~black[:, None].expand_as(x)])
    for box in black:
        rows, columns = box.any(dim=1).sum().item(), box.any(dim=0).sum().item()
        assert box.sum().item() == rows * columns, "a box"
        assert 3 <= rows <= 8
        assert 5 <= columns <= 12, "half of each side at most, a quarter where it meets the border"


def test_colour_has_its_ranges_and_keeps_grey() -> None:
    torch.manual_seed(0)
    grey = pictures(2000, 1).expand(-1, 3, -1, -1)
    coloured = colour(grey)
    assert (coloured - coloured[:, :1]).abs().max().item() < 1e-12, "grey stays grey: saturation is about the mean"
    moved = coloured.mean(dim=(1, 2, 3)) - grey.mean(dim=(1, 2, 3))
    assert moved.abs().max().item() < 0.5 + 1e-9
    assert moved.std().item() == pytest.approx(12**-0.5, rel=0.05), "brightness is uniform on an interval of 1"
    contrast = coloured.std(dim=(1, 2, 3)) / grey.std(dim=(1, 2, 3))
    assert 0.5 <= contrast.min().item() < 0.55
    assert 1.45 < contrast.max().item() <= 1.5


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_gradients_flow_and_each_sample_is_changed_independently(name: str) -> None:
    x = pictures().requires_grad_(True)
    torch.manual_seed(0)
    augmented = AUGMENTATIONS[name](x)
    augmented[5].sum().backward()
    assert x.grad is not None
    touched = x.grad.flatten(1).abs().sum(dim=1).nonzero().flatten().tolist()
    assert touched == [5]
    one, two = AUGMENTATIONS[name](x.detach()[:1].expand(2, -1, -1, -1))
    assert not torch.equal(one, two), "two copies of an image are changed differently"


class Spread(Critic):
    """Scores are the standard deviation of the pixels, which shows what was done to the images."""

    image_shape = (3, 16, 24)
    head = torch.nn.Identity()

    def features(self, x: Tensor) -> Tensor:
        return x.flatten(1).std(dim=1, keepdim=True)


def at(D: Critic, step: int = 0, strength: float = 0.0) -> State:
    """A State in which only the critic, the step and augment_p matter."""
    return State(None, D, None, None, None, step=step, augment_p=strength)  # type: ignore[arg-type]


def test_noise_has_its_level_and_fades_to_0() -> None:
    view, black = build.critic_view(ViewConfig(noise=0.4, noise_steps=100)), torch.zeros(8, 3, 16, 24)
    torch.manual_seed(0)
    for step, sigma in ((0, 0.4), (50, 0.2), (75, 0.1)):
        assert view(at(Spread(), step), None)(black).mean().item() == pytest.approx(sigma, rel=0.03)
    assert view(at(Spread(), 100), None)(black).abs().max().item() == 0


def test_without_transforms_methods_get_the_critic_itself() -> None:
    D = Dcgan(width=2).critic((3, 16, 24))
    assert build.critic_view(ViewConfig())(at(D), None) is D
    augmented = build.critic_view(ViewConfig(augment=("colour",)))(at(D), None)
    assert isinstance(augmented, CriticView)
    assert {id(p) for p in augmented.parameters()} == {id(p) for p in D.parameters()}, "the same weights, no more"


def test_augment_p_is_the_share_of_images_that_are_changed() -> None:
    torch.manual_seed(0)
    x = pictures(2000)
    for strength, low, high in ((0.0, 0.0, 0.0), (0.3, 0.26, 0.34), (1.0, 1.0, 1.0)):
        changed = (with_probability(strength, colour, x) != x).flatten(1).any(dim=1).double().mean().item()
        assert low <= changed <= high
    fixed = build.critic_view(ViewConfig(augment=("colour",), augment_p=0.25))(at(Spread(), strength=0.9), None)
    assert isinstance(fixed, CriticView)
    assert fixed.p == 0.25, "a fixed probability comes from the settings"
    adaptive = build.critic_view(ViewConfig(augment=("colour",), adaptive=True))(at(Spread(), strength=0.9), None)
    assert isinstance(adaptive, CriticView)
    assert adaptive.p == 0.9, "an adaptive one comes from the state"


class Constant(Critic):
    """Gives every image the same score."""

    def __init__(self, score: float) -> None:
        super().__init__()
        self.constant = score

    def features(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.full((len(x),), self.constant)


def test_augment_p_rises_while_the_critic_is_sure_and_falls_otherwise() -> None:
    plan = Plan(0, 8, lambda step: 1, nullcontext, lambda step: 0.0, lambda step: 0.0, augment_p_step=0.01)
    state = at(Constant(2.0))
    for state.batch_index in range(1, 41):
        adapt_augmentation(state, Gan(), pictures(8), None, plan)
    assert state.augment_p == pytest.approx(10 * 4 * 0.01), "at every fourth batch, by four times the step"
    state.critic = Constant(0.4)  # below the threshold of least squares, 0.5: a fake
    for state.batch_index in range(1, 9):
        adapt_augmentation(state, Lsgan(), pictures(8), None, plan)
    assert state.augment_p == pytest.approx(0.4 - 2 * 0.04)
    adapt_augmentation(state, Lsgan(), pictures(8), None, replace(plan, augment_p_step=None))
    assert state.augment_p == pytest.approx(0.4 - 2 * 0.04)
