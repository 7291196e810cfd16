"""The form "batch-norm", with a fused activation and several batches at once, equals PyTorch's batch norm."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganache.fastconv import BatchNorm2d, FusedSequential, explain, kernels
from ganache.fastconv.choose import choose
from ganache.networks import Dcgan, Infogan
from ganache.types import Critic

EXACT = 1e-5 if kernels.library() is not None else 1e-3
"""PyTorch's own operation loses more digits where means are far from zero."""

CASES = [  # B, C, H, W, activation
    (4, 48, 8, 8, nn.LeakyReLU(0.2, inplace=True)),
    (2, 16, 33, 31, nn.ReLU()),  # thousands of rows, summed in parts
    (6, 128, 1, 1, nn.ReLU(inplace=True)),  # fewer rows than are read at a time
    (2, 32, 5, 3, None),
    (4, 20, 6, 6, nn.ReLU()),  # a number of channels without a kernel
]


def pair(channels: int, activation: nn.Module | None) -> tuple[nn.Sequential, nn.Sequential]:
    """Ours, in float32, and PyTorch's in float64."""
    after = [] if activation is None else [activation]
    ours, theirs = FusedSequential(BatchNorm2d(channels), *after), nn.Sequential(nn.BatchNorm2d(channels), *after)
    for norm in (ours[0], theirs[0]):
        torch.manual_seed(1)
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return ours, theirs.double()


def batches(B: int, C: int, H: int, W: int) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(B, C, H, W) * torch.rand(C, 1, 1) + 10 * torch.randn(C, 1, 1)


def derivatives(layers: nn.Module, x: Tensor, g: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    x = x.clone().requires_grad_()
    y = layers(x)
    return y, torch.autograd.grad(y, (x, *layers.parameters()), g)


def near(found: Tensor, right: Tensor, epsilon: float) -> None:
    scale = right.abs().max().item()
    torch.testing.assert_close(found.double(), right.double(), rtol=epsilon, atol=epsilon * scale)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("B", "C", "H", "W", "activation"), CASES)
def test_output_gradients_and_running_statistics(
    B: int, C: int, H: int, W: int, activation: nn.Module | None, dtype: torch.dtype
) -> None:
    ours, theirs = pair(C, activation)
    x, g = batches(B, C, H, W).to(dtype), torch.randn(B, C, H, W).to(dtype)
    y, made = derivatives(ours, x, g)
    right, wanted = derivatives(theirs, x.double(), g.double())
    assert y.dtype is made[0].dtype is dtype
    epsilon = EXACT if dtype is torch.float32 else 2**-8
    near(y, right, epsilon)
    for one, other in zip(made, wanted, strict=True):
        near(one, other, 10 * epsilon)
    for one, other in zip(ours.buffers(), theirs.buffers(), strict=True):
        near(one, other, 10 * epsilon if C % 16 else 1e-5)
    ours.eval(), theirs.eval()
    near(ours(x), theirs(x.double()), 10 * epsilon)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("B", "C", "H", "W", "activation"), CASES)
def test_two_batches_are_normalised_apart(
    B: int, C: int, H: int, W: int, activation: nn.Module | None, dtype: torch.dtype
) -> None:
    ours, theirs = pair(C, activation)
    ours.to(dtype)
    first, second = batches(B, C, H, W), 3 * batches(B, C, H, W) + 1
    g = torch.randn(2 * B, C, H, W)
    ours[0].batch_groups = 2
    y, made = derivatives(ours, torch.cat([first, second]).to(dtype), g.to(dtype))
    apart = [derivatives(theirs, x.double(), of.double()) for x, of in zip((first, second), g.chunk(2), strict=True)]
    near(y, torch.cat([y for y, _ in apart]), EXACT)
    near(made[0], torch.cat([found[0] for _, found in apart]), 10 * EXACT)
    for of, one in enumerate(made[1:], 1):
        near(one, apart[0][1][of] + apart[1][1][of], 10 * EXACT)
    for one, other in zip(ours.buffers(), theirs.buffers(), strict=True):
        near(one, other, 1e-5)


def test_second_derivatives() -> None:
    ours, theirs = pair(16, nn.LeakyReLU(0.2))
    ours[0].batch_groups = 2
    x = batches(4, 16, 6, 6).requires_grad_()
    theirs.float()

    def penalty(y: Tensor, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (by_x,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        return torch.autograd.grad(by_x.square().sum(), inputs)

    found = penalty(ours(x), (x, *ours.parameters()))
    right = penalty(torch.cat([theirs(each) for each in x.chunk(2)]), (x, *theirs.parameters()))
    for one, other in zip(found, right, strict=True):
        near(one, other, 1e-4)


def test_a_batch_of_one_number_is_pytorchs_error() -> None:
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        BatchNorm2d(16)(torch.ones(1, 16, 1, 1))


def test_a_channel_without_spread_stays_finite() -> None:
    norm = BatchNorm2d(16)
    y = norm(torch.full((2, 16, 4, 4), 1e4))
    assert y.abs().max() < 1e3 * EXACT
    assert norm.running_var.allclose(torch.tensor(0.9))


@pytest.mark.parametrize(
    "family",
    [Dcgan(width=16), Dcgan(width=16, critic_overview=4), Dcgan(width=16, critic_norm="none"), Infogan(width=16)],
    ids=["dcgan", "overview", "without norm", "infogan"],
)
def test_real_and_fake_in_one_pass_equal_two_passes(family: Dcgan | Infogan) -> None:
    shape = (3, 32, 32)
    torch.manual_seed(0)
    together, apart = family.critic(shape), family.critic(shape)
    apart.load_state_dict(together.state_dict())
    real, fake = torch.rand(8, *shape), 2 * torch.rand(8, *shape) - 1
    scores = torch.cat(together.both(real, fake))
    right = torch.cat([apart(real), apart(fake)])
    torch.testing.assert_close(scores, right, rtol=1e-4, atol=1e-4)
    for made in (scores, right):
        made.square().sum().backward()
    for one, other in zip(together.parameters(), apart.parameters(), strict=True):
        near(one.grad, other.grad, 1e-3)
    for one, other in zip(together.buffers(), apart.buffers(), strict=True):
        near(one, other, 1e-5)
    assert batches_of(together) <= {1}


def batches_of(critic: Critic) -> set[int]:
    return {each.batch_groups for each in critic.modules() if hasattr(each, "batch_groups")}


def test_batches_of_different_sizes_take_two_passes() -> None:
    critic = Dcgan(width=16).critic((3, 16, 16))
    of_real, of_fake = critic.both(torch.rand(4, 3, 16, 16), torch.rand(6, 3, 16, 16))
    assert (len(of_real), len(of_fake)) == (4, 6)


def test_the_kernel_is_used() -> None:
    """Without it the tests of this file would compare PyTorch with itself."""
    if kernels.library() is None:
        pytest.skip("no kernels compiled for this processor")
    assert choose(BatchNorm2d(16), torch.ones(2, 16, 4, 4)).form is not None
    assert choose(BatchNorm2d(20), torch.ones(2, 20, 4, 4)).form is None
    assert choose(BatchNorm2d(16).eval(), torch.ones(2, 16, 4, 4)).form is None


def test_a_hook_separates_the_activation_and_explain_says_so() -> None:
    layers, seen = FusedSequential(BatchNorm2d(16), nn.ReLU(), BatchNorm2d(16), nn.LeakyReLU(0.2)), []
    x = torch.randn(2, 16, 4, 4)
    right = layers(x)
    fused = "fused with ReLU" if kernels.library() is not None else "ReLU is applied in place"
    assert fused in explain(layers, x)["0"].reason
    layers[1].register_forward_hook(lambda layer, given, y: seen.append(y))
    layers[2].register_forward_pre_hook(lambda layer, given: seen.append(given[0]))
    torch.testing.assert_close(layers(x), right)
    assert [each.min().item() for each in seen] == [0.0, 0.0]
    assert "not fused with ReLU, because of a hook" in explain(layers, x)["0"].reason
