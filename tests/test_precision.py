"""bfloat16 where the hardware has it: when it is chosen, and that gradients still point where exact ones do."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import ganache
from ganache.config.config import Config
from ganache.config.sections import PrecisionConfig
from ganache.methods import Dragan, Gan, Hinge, InfoGan, Lsgan, NoisyGan, R3gan, Wgan, WganGp
from ganache.methods.penalised import Penalised
from ganache.networks import Dcgan, Network, Residual
from ganache.networks.r3gan import R3gan as R3ganNetwork
from ganache.training import build
from ganache.training.device import choose_compute_dtype
from ganache.types import Method

CPU = torch.device("cpu")
SOURCE = Path(ganache.__file__).parent


@pytest.mark.parametrize(
    ("able", "chosen"),
    [
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"avx512_f": True, "avx2": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_auto_asks_the_processor(able: dict[str, bool], chosen: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    assert choose_compute_dtype(PrecisionConfig(), CPU) is chosen
    assert choose_compute_dtype(PrecisionConfig("float32"), CPU) is torch.float32
    assert choose_compute_dtype(PrecisionConfig("bfloat16"), CPU) is torch.bfloat16


METHODS: list[Method] = [
    Gan(), NoisyGan(0.0), Lsgan(), Hinge(), Wgan(), WganGp(), Dragan(), R3gan(), InfoGan(3, 1),
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_fast_gradients_point_where_exact_ones_do(method: Method) -> None:
    """bfloat16 and channels last against float64 and contiguous memory, critic and generator: cosine above 0.99."""
    norm = "batch" if isinstance(method, (Gan, NoisyGan, Lsgan, Wgan, InfoGan)) else "layer"
    network = Dcgan(z_dim=8, width=8, critic_norm=norm)  # type: ignore[arg-type]
    config = Config(network=network, method=method, precision=PrecisionConfig("bfloat16"))
    state = build.state(build.resolve(config), (3, 16, 16))
    real = torch.rand(32, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    z = build.prior(config).sample(32, generator=torch.Generator().manual_seed(2))
    exact = replace(state, generator=copy.deepcopy(state.generator).double().to(memory_format=torch.contiguous_format))
    exact.critic = copy.deepcopy(state.critic).double().to(memory_format=torch.contiguous_format)

    for turn in ("d_terms", "g_terms"):
        found: list[Tensor] = []
        for which, (x, w) in ((state, (real, z)), (exact, (real.double(), z.double()))):
            torch.manual_seed(3)  # the penalties' random points
            fast = which is state
            with torch.autocast("cpu", torch.bfloat16, enabled=fast):
                terms = getattr(method, turn)(which.generator, which.critic, x, w)
            assert all(term.dtype is (torch.float32 if fast else torch.float64) for term in terms.values())
            trained = which.critic if turn == "d_terms" else which.generator
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
def test_second_derivatives_survive_the_fast_path_in_every_kind_of_critic(name: str) -> None:
    """The gradient of R1 and R2 plus the penalty between, which are made of second derivatives and of nothing else."""
    method = Penalised(Wgan(clip=None), r1=1.0, r2=1.0, weight=10.0)
    config = Config(network=DEEP[name], method=Wgan(clip=None), precision=PrecisionConfig("bfloat16"))
    state = build.state(build.resolve(config), (3, 16, 16))
    with torch.no_grad():
        for weight in state.critic.parameters():  # branches and gates that start at 0 would hide what is behind them
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(4)))
    state.critic.eval()  # a spectral norm takes no step, so that both see the same weights
    exact = copy.deepcopy(state.critic).double().to(memory_format=torch.contiguous_format)
    real = torch.rand(16, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    z = build.prior(config).sample(16, generator=torch.Generator().manual_seed(2))
    fake = state.generator(z).detach().float()
    found: list[Tensor] = []
    for critic, x, y in ((state.critic, real, fake), (exact, real.double(), fake.double())):
        torch.manual_seed(3)  # the points between
        with torch.autocast("cpu", torch.bfloat16, enabled=critic is state.critic):
            terms = method.d_terms(lambda _, made=y: made, critic, x, z)  # type: ignore[arg-type,misc]
        penalty = terms["added_r1"] + terms["added_r2"] + terms["added_penalty"]
        assert penalty.dtype is x.dtype
        gradients = torch.autograd.grad(penalty, list(critic.parameters()), allow_unused=True)
        found.append(torch.cat([g.double().flatten() for g in gradients if g is not None]))
    assert torch.nn.functional.cosine_similarity(*found, dim=0).item() > 0.999


def test_nothing_is_compiled() -> None:
    """PyTorch's compiler has been silently wrong on double backward (pytorch/pytorch#91469): it is not used at all."""
    for file in SOURCE.rglob("*.py"):
        assert "torch.compile" not in file.read_text(), file
        assert "torch._dynamo" not in file.read_text(), file
