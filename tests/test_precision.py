"""Gradients in bfloat16 have the direction of exact ones, second derivatives too."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ganache.config.config import Config
from ganache.config.sections import PrecisionConfig
from ganache.methods import Dragan, Gan, Hinge, InfoGan, Lsgan, NoisyGan, R3gan, Wgan, WganGp
from ganache.methods.penalised import Penalised
from ganache.networks import Dcgan, Network, Residual
from ganache.networks.r3gan import R3gan as R3ganNetwork
from ganache.training import build
from ganache.types import Method

METHODS: list[Method] = [
    Gan(), NoisyGan(0.0), Lsgan(), Hinge(), Wgan(), WganGp(), Dragan(), R3gan(), InfoGan(3, 1),
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_fast_gradients_have_the_direction_of_exact_ones(method: Method) -> None:
    """bfloat16 and channels last against float64 and contiguous, for critic and generator: cosine above 0.99."""
    norm = "batch" if isinstance(method, (Gan, NoisyGan, Lsgan, Wgan, InfoGan)) else "layer"
    network = Dcgan(z_dim=8, width=8, critic_norm=norm)  # type: ignore[arg-type]
    config = Config(network=network, method=method, precision=PrecisionConfig("bfloat16"))
    state = build.state(build.resolve(config), (3, 16, 16))
    real = torch.rand(32, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    z = build.prior(config).sample(32, generator=torch.Generator().manual_seed(2))
    exact = replace(state, generator=copy.deepcopy(state.generator).double().to(memory_format=torch.contiguous_format))
    exact.critic = copy.deepcopy(state.critic).double().to(memory_format=torch.contiguous_format)

    for terms_of in ("d_terms", "g_terms"):
        found: list[Tensor] = []
        for which, (x, w) in ((state, (real, z)), (exact, (real.double(), z.double()))):
            torch.manual_seed(3)  # for the random points of penalties
            fast = which is state
            with torch.autocast("cpu", torch.bfloat16, enabled=fast):
                terms = getattr(method, terms_of)(which.generator, which.critic, x, w)
            assert all(term.dtype is (torch.float32 if fast else torch.float64) for term in terms.values())
            trained = which.critic if terms_of == "d_terms" else which.generator
            gradients = torch.autograd.grad(sum(terms.values()), list(trained.parameters()), allow_unused=True)
            found.append(torch.cat([g.double().flatten() for g in gradients if g is not None]))
        assert torch.nn.functional.cosine_similarity(*found, dim=0).item() > 0.99


DEEP: dict[str, Network] = {
    "dcgan with attention": Dcgan(z_dim=8, width=8, critic_norm="layer", attention=8),
    "dcgan with spectral norm": Dcgan(z_dim=8, width=8, critic_norm="none", critic_spectral=True),
    "residual": Residual(z_dim=8, width=8),
    "r3gan": R3ganNetwork(z_dim=8, width=8, group_size=4),
}


@pytest.mark.parametrize("name", DEEP)
def test_second_derivatives_survive_the_fast_path_in_every_critic(name: str) -> None:
    """The gradients of R1, R2 and the interpolation penalty consist of second derivatives only."""
    method = Penalised(Wgan(clip=None), r1=1.0, r2=1.0, weight=10.0)
    config = Config(network=DEEP[name], method=Wgan(clip=None), precision=PrecisionConfig("bfloat16"))
    state = build.state(build.resolve(config), (3, 16, 16))
    with torch.no_grad():
        for weight in state.critic.parameters():  # branches and gates that start at 0 would hide what follows them
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(4)))
    state.critic.eval()  # a spectral norm takes no step, so both critics have the same weights
    exact = copy.deepcopy(state.critic).double().to(memory_format=torch.contiguous_format)
    real = torch.rand(16, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    z = build.prior(config).sample(16, generator=torch.Generator().manual_seed(2))
    fake = state.generator(z).detach().float()
    found: list[Tensor] = []
    for critic, x, y in ((state.critic, real, fake), (exact, real.double(), fake.double())):
        torch.manual_seed(3)  # for the points between
        with torch.autocast("cpu", torch.bfloat16, enabled=critic is state.critic):
            terms = method.d_terms(lambda _, fakes=y: fakes, critic, x, z)  # type: ignore[arg-type,misc]
        penalty = terms["added_r1"] + terms["added_r2"] + terms["added_penalty"]
        assert penalty.dtype is x.dtype
        gradients = torch.autograd.grad(penalty, list(critic.parameters()), allow_unused=True)
        found.append(torch.cat([g.double().flatten() for g in gradients if g is not None]))
    assert torch.nn.functional.cosine_similarity(*found, dim=0).item() > 0.999
