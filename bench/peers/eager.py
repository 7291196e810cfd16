"""Plain eager float32 PyTorch loops, as tutorials write them: `python eager.py dcgan | wgan-gp | wgan-article |
anime-article`.

Contiguous tensors, losses after a sigmoid, the critic's weight gradients computed in the generator's step too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from turns import take

Step = Callable[[], None]


# ---- Radford's DCGAN, 64x64, and WGAN-GP at its widths -------------------------------------------------------------


def dcgan_generator(width: int = 64, z_dim: int = 100) -> nn.Sequential:
    widths = [8 * width, 4 * width, 2 * width, width]
    layers: list[nn.Module] = [nn.ConvTranspose2d(z_dim, widths[0], 4, 1, 0, bias=False)]
    layers += [nn.BatchNorm2d(widths[0]), nn.ReLU(True)]
    for into, out in pairwise(widths):
        layers += [nn.ConvTranspose2d(into, out, 4, 2, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False), nn.Tanh())


def dcgan_critic(width: int = 64, norm: bool = True) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
    for into in (width, 2 * width, 4 * width):
        layers.append(nn.Conv2d(into, 2 * into, 4, 2, 1, bias=not norm))
        layers += [nn.BatchNorm2d(2 * into)] if norm else []
        layers.append(nn.LeakyReLU(0.2, True))
    return nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 0, bias=False), nn.Flatten(0))


def first_weights(layer: nn.Module) -> None:
    """PyTorch's DCGAN tutorial: N(0, 0.02), and N(1, 0.02) for batch norms."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
        nn.init.normal_(layer.weight, float(isinstance(layer, nn.BatchNorm2d)), 0.02)


def dcgan_training(device: str = "cpu") -> tuple[nn.Sequential, Callable[[Tensor], None]]:
    """The generator, and a step of both networks on 64 real pictures [64, 3, 64, 64]."""
    G, D = dcgan_generator().to(device), nn.Sequential(dcgan_critic(), nn.Sigmoid()).to(device)
    G.apply(first_weights), D.apply(first_weights)
    loss = nn.BCELoss()
    g_adam, d_adam = (torch.optim.Adam(network.parameters(), 2e-4, betas=(0.5, 0.999)) for network in (G, D))
    ones, zeros = torch.ones(64, device=device), torch.zeros(64, device=device)

    def step(real: Tensor) -> None:
        D.zero_grad()
        loss(D(real), ones).backward()
        fake = G(torch.randn(64, 100, 1, 1, device=device))
        loss(D(fake.detach()), zeros).backward()
        d_adam.step()
        G.zero_grad()
        loss(D(fake), ones).backward()
        g_adam.step()

    return G, step


def dcgan(device: str = "cpu") -> Step:
    _, step = dcgan_training(device)
    real = torch.rand(64, 3, 64, 64, device=device) * 2 - 1
    return lambda: step(real)


def wgan_gp(device: str = "cpu") -> Step:
    """Five critic steps with the two-sided penalty, one generator step."""
    G, D = dcgan_generator().to(device), dcgan_critic(norm=False).to(device)
    g_adam, d_adam = (torch.optim.Adam(network.parameters(), 1e-4, betas=(0.5, 0.9)) for network in (G, D))
    real = torch.rand(64, 3, 64, 64, device=device) * 2 - 1

    def penalty(fake: Tensor) -> Tensor:
        share = torch.rand(64, 1, 1, 1, device=device)
        between = (share * real + (1 - share) * fake).requires_grad_(True)
        score = D(between)
        (slope,) = torch.autograd.grad(score, between, torch.ones_like(score), create_graph=True)
        return ((slope.view(64, -1).norm(2, dim=1) - 1) ** 2).mean()

    def step() -> None:
        for _ in range(5):
            fake = G(torch.randn(64, 100, 1, 1, device=device)).detach()
            D.zero_grad()
            (D(fake).mean() - D(real).mean() + 10 * penalty(fake)).backward()
            d_adam.step()
        G.zero_grad()
        (-D(G(torch.randn(64, 100, 1, 1, device=device))).mean()).backward()
        g_adam.step()

    return step


# ---- the two articles' networks and loops --------------------------------------------------------------------------


def wgan_article(device: str = "cpu") -> Step:
    """28x28 grey, batch 128: a critic's step on fakes, one on reals, the clip, a generator's step."""
    G = nn.Sequential(
        nn.Linear(100, 1024), nn.Tanh(), nn.Linear(1024, 6272), nn.BatchNorm1d(6272), nn.Tanh(),
        nn.Unflatten(1, (128, 7, 7)), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
        nn.Conv2d(128, 64, 5, padding=2), nn.Tanh(),
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
        nn.Conv2d(64, 1, 5, padding=2), nn.Tanh(),
    )  # fmt: skip
    layers: list[nn.Module] = []
    for into, out in pairwise((1, 32, 64, 128)):
        layers += [nn.Conv2d(into, out, 3, bias=False), nn.BatchNorm2d(out), nn.LeakyReLU(0.02), nn.MaxPool2d(2)]
    D = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128, 1)).to(device)
    G.to(device)
    g_rms, d_rms = (torch.optim.RMSprop(network.parameters(), 5e-5) for network in (G, D))
    real = torch.rand(128, 1, 28, 28, device=device) * 2 - 1

    def step() -> None:
        for score in (lambda: D(G(torch.randn(128, 100, device=device)).detach()).mean(), lambda: -D(real).mean()):
            D.zero_grad()
            score().backward()
            d_rms.step()
        for weight in D.parameters():
            weight.data.clamp_(-0.01, 0.01)
        G.zero_grad()
        (-D(G(torch.randn(128, 100, device=device))).mean()).backward()
        g_rms.step()

    return step


def anime_article(device: str = "cpu") -> Step:
    """64x64 colour, batch 32: the critic on fakes and reals with noisy labels, then the generator."""
    slope = 0.3
    G = nn.Sequential(
        nn.Linear(64, 128 * 32 * 32), nn.Unflatten(1, (128, 32, 32)), nn.LeakyReLU(slope),
        nn.Conv2d(128, 256, 5, padding=2), nn.LeakyReLU(slope),
        nn.ConvTranspose2d(256, 256, 4, 2, 1), nn.LeakyReLU(slope),
        nn.Conv2d(256, 256, 5, padding=2), nn.LeakyReLU(slope),
        nn.Conv2d(256, 256, 5, padding=2), nn.LeakyReLU(slope),
        nn.Conv2d(256, 3, 7, padding=3), nn.Tanh(),
    )  # fmt: skip
    layers: list[nn.Module] = [nn.Conv2d(3, 128, 3), nn.LeakyReLU(slope)]
    for _ in range(3):
        layers += [nn.Conv2d(128, 128, 4, 2), nn.LeakyReLU(slope)]
    D = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.4), nn.Linear(4608, 1), nn.Sigmoid())
    G, D, loss = G.to(device), D.to(device), nn.BCELoss()
    ones, zeros = torch.ones(32, device=device), torch.zeros(32, device=device)
    g_rms = torch.optim.RMSprop(G.parameters(), 4e-4, alpha=0.9, eps=1e-7)
    d_rms = torch.optim.RMSprop(D.parameters(), 8e-4, alpha=0.9, eps=1e-7)
    real = torch.rand(32, 3, 64, 64, device=device) * 2 - 1

    def step() -> None:
        with torch.no_grad():
            both = torch.cat([G(torch.randn(32, 64, device=device)), real])
        labels = torch.cat([ones, zeros]) + 0.05 * torch.rand(64, device=device)
        D.zero_grad()
        loss(D(both).flatten(), labels.clamp(0, 1)).backward()
        nn.utils.clip_grad_value_(D.parameters(), 1.0)
        d_rms.step()
        G.zero_grad()
        loss(D(G(torch.randn(32, 64, device=device))).flatten(), zeros).backward()
        nn.utils.clip_grad_value_(G.parameters(), 1.0)
        g_rms.step()

    return step


LOOPS: dict[str, Callable[..., Step]] = {
    "dcgan": dcgan,
    "wgan-gp": wgan_gp,
    "wgan-article": wgan_article,
    "anime-article": anime_article,
}

if __name__ == "__main__":
    take(LOOPS[sys.argv[1]]())
