"""Penalties against closed forms, a loop over samples and finite differences; the points at which they are taken."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganache.functional.penalties import around, between, gradient_norms, one_centred, one_sided, zero_centred
from ganache.types import Critic

SHAPES = [(1, 5, 4), (3, 5, 4), (2,)]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Linear(Critic):
    """D(x) = w . x."""

    def __init__(self, w: Tensor) -> None:
        super().__init__()
        self.w = nn.Parameter(w)

    def features(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x) @ self.w.flatten()


class Curved(Critic):
    """A small smooth network, for which finite differences are accurate to many digits."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(inputs, 7), nn.Tanh(), nn.Linear(7, 6), nn.Softplus())
        self.head = nn.Linear(6, 1)
        self.double()

    def features(self, x: Tensor) -> Tensor:
        return self.body(x)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_linear_critic_has_the_norm_of_its_weight_everywhere(shape: tuple[int, ...]) -> None:
    w = 0.4 * noise(*shape, seed=1)
    norms = gradient_norms(Linear(w), noise(6, *shape))
    torch.testing.assert_close(norms, w.norm().expand(6), rtol=1e-12, atol=0)
    size = w.norm().item()
    assert zero_centred(norms).item() == pytest.approx(size**2, rel=1e-12)
    assert one_centred(norms).item() == pytest.approx((size - 1) ** 2, rel=1e-12)
    assert one_sided(norms).item() == pytest.approx(max(size - 1, 0) ** 2, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("shape", SHAPES)
def test_norms_equal_a_loop_over_samples_and_finite_differences(shape: tuple[int, ...]) -> None:
    x = noise(4, *shape)
    D = Curved(x[0].numel())
    norms = gradient_norms(D, x)
    step = 1e-6
    for i in range(4):
        alone = x[i : i + 1].clone().requires_grad_(True)
        D(alone).backward()
        assert norms[i].item() == pytest.approx(alone.grad.norm().item(), rel=1e-12)
        slopes = []
        for place in range(x[0].numel()):
            moved = torch.zeros(x[0].numel(), dtype=torch.float64)
            moved[place] = step
            up, down = (D(x[i : i + 1] + sign * moved.view(1, *shape)).item() for sign in (1, -1))
            slopes.append((up - down) / (2 * step))
        assert norms[i].item() == pytest.approx(torch.tensor(slopes).norm().item(), rel=1e-6)


@pytest.mark.parametrize("what", [zero_centred, one_centred, one_sided])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_of_a_penalty_equals_finite_differences(shape: tuple[int, ...], what) -> None:  # type: ignore[no-untyped-def]
    """The second derivative, weight by weight."""
    x = noise(3, *shape)
    D = Curved(x[0].numel())
    with torch.no_grad():
        D.head.weight.mul_(20)  # steep enough for the one-sided penalty to be active
    what(gradient_norms(D, x)).backward()
    for weight in D.parameters():
        flat = weight.data.flatten()
        for place in range(0, len(flat), 5):
            original, values = flat[place].item(), []
            for sign in (1, -1):
                weight.data.view(-1)[place] = original + sign * 1e-6
                values.append(what(gradient_norms(D, x)).item())
            weight.data.view(-1)[place] = original
            slope = (values[0] - values[1]) / 2e-6
            gradient = 0.0 if weight.grad is None else weight.grad.flatten()[place].item()
            assert gradient == pytest.approx(slope, rel=1e-4, abs=1e-7)


def test_changing_one_image_changes_only_its_own_penalty() -> None:
    x = noise(5, 3, 4, 4)
    D = Curved(48)
    before = gradient_norms(D, x)
    x[2] *= 2
    after = gradient_norms(D, x)
    changed = (before != after).nonzero().flatten().tolist()
    assert changed == [2]


def test_between_draws_one_t_per_pair() -> None:
    real, fake = noise(400, 3, 2, 2), noise(400, 3, 2, 2, seed=1)
    torch.manual_seed(0)
    t = (between(real, fake) - fake) / (real - fake)
    spread = t.flatten(1).max(dim=1).values - t.flatten(1).min(dim=1).values
    assert spread.max().item() < 1e-9, "the same t for all values of an image"
    ts = t.flatten(1)[:, 0]
    assert 0 <= ts.min().item() < 0.05
    assert 0.95 < ts.max().item() <= 1
    assert ts.mean().item() == pytest.approx(0.5, abs=0.05)
    assert ts.std().item() == pytest.approx(12**-0.5, abs=0.02)


def test_around_adds_uniform_noise_scaled_by_the_datas_standard_deviation() -> None:
    real = 3 * noise(200, 3, 8, 8)
    torch.manual_seed(0)
    added = around(real) - real
    assert added.min().item() >= 0
    assert added.max().item() == pytest.approx(0.5 * real.std().item(), rel=1e-3)
    assert added.mean().item() == pytest.approx(0.25 * real.std().item(), rel=0.01)
