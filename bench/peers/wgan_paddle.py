"""The WGAN article's networks and loop in PaddlePaddle 3, 28x28 grey, batch 128."""

from __future__ import annotations

import paddle
from paddle import nn
from turns import take


class Generator(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Sequential(
            nn.Linear(100, 1024), nn.Tanh(), nn.Linear(1024, 6272), nn.BatchNorm1D(6272), nn.Tanh()
        )
        up = {"scale_factor": 2, "mode": "bilinear", "align_corners": True}
        self.body = nn.Sequential(
            nn.Upsample(**up), nn.Conv2D(128, 64, 5, padding=2), nn.Tanh(),
            nn.Upsample(**up), nn.Conv2D(64, 1, 5, padding=2), nn.Tanh(),
        )  # fmt: skip

    def forward(self, z: paddle.Tensor) -> paddle.Tensor:
        return self.body(self.dense(z).reshape([-1, 128, 7, 7]))


def critic() -> nn.Layer:
    layers: list[nn.Layer] = []
    for into, out in ((1, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2D(into, out, 3, bias_attr=False), nn.BatchNorm2D(out), nn.LeakyReLU(0.02), nn.MaxPool2D(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128, 1))


def main() -> None:
    G, D = Generator(), critic()
    g_rms = paddle.optimizer.RMSProp(5e-5, parameters=G.parameters())
    d_rms = paddle.optimizer.RMSProp(5e-5, parameters=D.parameters())
    real = paddle.rand([128, 1, 28, 28]) * 2 - 1

    def descend(loss: paddle.Tensor, optimiser: paddle.optimizer.Optimizer) -> None:
        loss.backward()
        optimiser.step()
        g_rms.clear_grad()
        d_rms.clear_grad()

    def step() -> None:
        descend(D(G(paddle.randn([128, 100])).detach()).mean(), d_rms)
        descend(-D(real).mean(), d_rms)
        with paddle.no_grad():
            for weight in D.parameters():
                weight.set_value(weight.clip(-0.01, 0.01))
        descend(-D(G(paddle.randn([128, 100]))).mean(), g_rms)

    take(step)


if __name__ == "__main__":
    main()
