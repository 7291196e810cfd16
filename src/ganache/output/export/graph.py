"""A generator as an ONNX graph, compared with PyTorch before it is handed out.

The graph's inputs are the parts of a latent, batch first, and of any batch size:

    z         [B, noise] float32
    category  [B] int64, where the generator was told classes, or has InfoGAN's category
    codes     [B, k] float32, where it has continuous codes

and its output is x [B, C, H, W] float32 in [-1, 1].
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from ganache.core.rendering import Model, generate
from ganache.errors import ConfigError, ExportError, MissingExtra
from ganache.functional import latents
from ganache.types import Generator, Prior

OPSET = 20
ALLOWED = 2.0
"""Levels of 255 by which a picture may differ from PyTorch's."""
COMPARED = 8
"""Latents whose pictures are compared."""


class Parts(nn.Module):
    """The parts of a latent -> x: what lies around a generator in the graph."""

    one_hot: Tensor  # [categories, categories]

    def __init__(self, generator: Generator, prior: Prior) -> None:
        super().__init__()
        self.generator = generator
        self.told = prior.categories > 0
        self.register_buffer("one_hot", torch.eye(prior.categories))

    def forward(self, z: Tensor, *more: Tensor) -> Tensor:
        """z [B, noise], then category [B] and codes [B, k] as far as there are such -> x [B, C, H, W]."""
        parts = [z]
        if self.told:
            parts.append(self.one_hot[more[0]])
            more = more[1:]
        x: Tensor = self.generator(torch.cat([*parts, *more], dim=1))
        return x


def to_onnx(model: Model) -> bytes:
    """The generator as an ONNX file. Raises ExportError where its pictures are not PyTorch's."""
    content: bytes = graph(model).SerializeToString()
    compare(content, model)
    return content


def graph(model: Model) -> Any:
    """The generator as an `onnx.ModelProto`, not compared yet. Raises ConfigError for points, MissingExtra."""
    if len(model.generator.image_shape) != 3:
        raise ConfigError(f"{model.name or 'This generator'} makes points, and only pictures can be exported.")
    try:
        import onnx
        import onnxscript  # noqa: F401  (what PyTorch writes the graph with)
    except ImportError:
        raise MissingExtra("To export a generator", "export") from None
    given = split(latents.from_seeds(model.prior, range(2)), model.prior)
    with quiet():
        program = torch.onnx.export(
            Parts(bare(model.generator), model.prior).eval(),
            tuple(given.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(given),
            output_names=["x"],
            dynamic_shapes={"z": BATCH, "more": (BATCH,) * (len(given) - 1)} if len(given) > 1 else (BATCH,),
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    for place in (proto, *proto.graph.node, *proto.graph.value_info):
        del place.metadata_props[:]  # where in PyTorch's files each line came from
    proto.producer_name, proto.doc_string = "ganache", f"{model.name}: parts of a latent -> x in [-1, 1]"
    onnx.checker.check_model(proto)
    return proto


BATCH = {0: torch.export.Dim("batch")}


def bare(generator: Generator) -> Generator:
    """A copy on the CPU in float32 that computes no weight from others: spectral norms are divided out for good."""
    network = copy.deepcopy(generator).cpu().float().eval().requires_grad_(False)
    for layer in network.modules():
        if is_parametrized(layer):
            computed = {name: getattr(layer, name) for name in layer.parametrizations}  # type: ignore[union-attr]
            # PyTorch's own removal takes the weight away from the class, which the original layer has too.
            layer.__class__ = type(layer).__bases__[0]
            del layer.parametrizations
            for name, weight in computed.items():
                setattr(layer, name, nn.Parameter(weight, requires_grad=False))
    return network


def split(z: Tensor, prior: Prior) -> dict[str, Tensor]:
    """z [B, z_dim] -> the graph's inputs by name."""
    end = prior.noise + prior.categories
    parts = {"z": z[:, : prior.noise]}
    if prior.categories:
        parts["category"] = z[:, prior.noise : end].argmax(dim=1)
    if prior.continuous:
        parts["codes"] = z[:, end:]
    return parts


def compare(content: bytes, model: Model) -> float:
    """The most by which a pixel differs from PyTorch's, in levels of 255. Raises ExportError where it is too much."""
    z = latents.from_seeds(model.prior, range(COMPARED))
    theirs = run(content, split(z, model.prior)).clamp(-1, 1)
    ours = generate(model.generator, z).clamp(-1, 1)
    levels = float((theirs - ours).abs().max() * 255 / 2)
    if not levels <= ALLOWED:  # as no NaN is
        raise ExportError(
            f"The exported pictures of {model.name or 'this generator'} differ from PyTorch's by {levels:.1f} of 255 "
            f"levels, and {ALLOWED:g} are allowed, so nothing was written: try another checkpoint, as RUN@best."
        )
    return levels


def run(content: bytes, inputs: Mapping[str, Tensor]) -> Tensor:
    """What the ONNX file makes of the inputs, x [B, C, H, W]."""
    try:
        from onnxruntime import InferenceSession
    except ImportError:
        raise MissingExtra("To export a generator", "export") from None
    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    (x,) = session.run(None, {name: part.numpy() for name, part in inputs.items()})
    return torch.from_numpy(x)


@contextmanager
def quiet() -> Iterator[None]:
    """PyTorch's exporter speaks of its own deprecations and of libraries that are not installed."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
