"""Export of a generator to an ONNX graph, whose pictures are compared with PyTorch's before it is returned.

The graph takes the parts of a latent, with any batch size B:

    z         [B, noise] float32
    category  [B] int64, if the generator is conditioned on classes or has InfoGAN's categorical code
    codes     [B, k] float32, if it has continuous codes

and returns x [B, C, H, W] float32 in [-1, 1].
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

from ganache.core.halves import SynthesisHalf
from ganache.core.outputs import ONNX_PRODUCER
from ganache.core.rendering import Model, generate
from ganache.errors import ConfigError, ExportError, MissingExtra
from ganache.functional import latents
from ganache.types import Generator, Prior

OPSET = 20
TOLERANCE = 2.0
"""Levels of 255 by which a pixel may differ from PyTorch's."""
COMPARED = 8
"""Number of latents whose pictures are compared."""


class Parts(nn.Module):
    """A network of latents that takes the parts of a latent separately, as the graph does."""

    one_hot: Tensor  # [categories, categories]

    def __init__(self, network: nn.Module, prior: Prior) -> None:
        super().__init__()
        self.network = network
        self.has_category = prior.categories > 0
        self.register_buffer("one_hot", torch.eye(prior.categories))

    def forward(self, z: Tensor, *more: Tensor) -> Tensor:
        """Map z [B, noise], then category [B] and codes [B, k] if the prior has them, to what the network returns."""
        parts = [z]
        if self.has_category:
            parts.append(self.one_hot[more[0]])
            more = more[1:]
        returned: Tensor = self.network(torch.cat([*parts, *more], dim=1))
        return returned


class MappingHalf(nn.Module):
    """The first half of a style-based generator: z [B, z_dim] -> w [B, w_dim]."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor) -> Tensor:
        return self.generator.mapping(z)


def to_onnx(model: Model) -> bytes:
    """Return the generator as an ONNX file. Raises ExportError if its pictures differ from PyTorch's."""
    content: bytes = graph(model).SerializeToString()
    compare(content, model)
    return content


def graph(model: Model) -> Any:
    """Return the generator as an `onnx.ModelProto`, without the comparison.

    Raises ConfigError if it generates points, MissingExtra without the `export` extra.
    """
    inputs = split_latent(latents.from_seeds(model.prior, range(2)), model.prior)
    parts = Parts(inference_copy(model.generator), model.prior)
    return exported(parts, inputs, "x", model, "parts of a latent -> x in [-1, 1]")


def style_graphs(model: Model) -> tuple[Any, Any]:
    """Return the two halves of a style-based generator as graphs: parts of a latent -> w, and w of each layer -> x."""
    inputs = split_latent(latents.from_seeds(model.prior, range(2)), model.prior)
    generator = inference_copy(model.generator)
    mapping = exported(Parts(MappingHalf(generator), model.prior), inputs, "w", model, "parts of a latent -> w")
    w = {"w": generator.mapping(torch.zeros(2, generator.z_dim))[:, None].repeat(1, generator.style_layers, 1)}
    return mapping, exported(SynthesisHalf(generator), w, "x", model, "w of each layer -> x in [-1, 1]")


def exported(network: nn.Module, inputs: Mapping[str, Tensor], output: str, model: Model, about: str) -> Any:
    """Return a network as an `onnx.ModelProto`; `inputs` are examples by name, of two images.

    Raises ConfigError if the model generates points, MissingExtra without the `export` extra.
    """
    if len(model.generator.image_shape) != 3:
        raise ConfigError(f"{model.name or 'This generator'} generates points: choose a run on pictures to export.")
    try:
        import onnx
        import onnxscript  # noqa: F401  (PyTorch's exporter needs it)
    except ImportError:
        raise MissingExtra("To export a generator", "export") from None
    batch = {0: torch.export.Dim("batch")}
    with exporter_warnings_off():
        program = torch.onnx.export(
            network.eval(),
            tuple(inputs.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=[output],
            dynamic_shapes={"z": batch, "more": (batch,) * (len(inputs) - 1)} if len(inputs) > 1 else (batch,),
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    for place in (proto, *proto.graph.node, *proto.graph.value_info):
        del place.metadata_props[:]  # source lines in PyTorch's files
    proto.producer_name, proto.doc_string = ONNX_PRODUCER, f"{model.name}: {about}"
    onnx.checker.check_model(proto)
    return proto


def inference_copy(generator: Generator) -> Generator:
    """Return a copy on the CPU in float32 without parametrizations: spectral norms are applied to the weights once."""
    network = copy.deepcopy(generator).cpu().float().eval().requires_grad_(False)
    for layer in network.modules():
        if is_parametrized(layer):
            computed = {name: getattr(layer, name) for name in layer.parametrizations}  # type: ignore[union-attr]
            # PyTorch's remove_parametrizations changes the class, which the original layer shares.
            layer.__class__ = type(layer).__bases__[0]
            del layer.parametrizations
            for name, weight in computed.items():
                setattr(layer, name, nn.Parameter(weight, requires_grad=False))
    return network


def split_latent(z: Tensor, prior: Prior) -> dict[str, Tensor]:
    """Split z [B, z_dim] into the graph's inputs by name."""
    end = prior.noise + prior.categories
    parts = {"z": z[:, : prior.noise]}
    if prior.categories:
        parts["category"] = z[:, prior.noise : end].argmax(dim=1)
    if prior.continuous:
        parts["codes"] = z[:, end:]
    return parts


def compare(content: bytes, model: Model) -> float:
    """Return the largest difference of a pixel from PyTorch's, in levels of 255.

    Raises ExportError if it exceeds TOLERANCE, or is not a number.
    """
    z = latents.from_seeds(model.prior, range(COMPARED))
    return check_difference(run(content, split_latent(z, model.prior)), z, model)


def compare_styles(mapping: bytes, synthesis: bytes, model: Model) -> float:
    """Return the same for the two halves of a style-based generator."""
    z = latents.from_seeds(model.prior, range(COMPARED))
    w = run(mapping, split_latent(z, model.prior))
    return check_difference(run(synthesis, {"w": w[:, None].repeat(1, model.generator.style_layers, 1)}), z, model)


def check_difference(x: Tensor, z: Tensor, model: Model) -> float:
    """Return by how much the exported images x differ from those of z, as `compare` does."""
    expected = generate(model.generator, z).clamp(-1, 1)
    levels = float((x.clamp(-1, 1) - expected).abs().max() * 255 / 2)
    if not levels <= TOLERANCE:  # also true for NaN
        raise ExportError(
            f"The exported pictures of {model.name or 'this generator'} differ from PyTorch's by {levels:.1f} of 255 "
            f"levels, and {TOLERANCE:g} are allowed, so nothing was written: try another checkpoint, as RUN@best."
        )
    return levels


def run(content: bytes, inputs: Mapping[str, Tensor]) -> Tensor:
    """Run the ONNX file on the CPU. Returns its output. Raises MissingExtra without the `export` extra."""
    try:
        from onnxruntime import InferenceSession
    except ImportError:
        raise MissingExtra("To export a generator", "export") from None
    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {name: part.numpy() for name, part in inputs.items()})
    return torch.from_numpy(output)


@contextmanager
def exporter_warnings_off() -> Iterator[None]:
    """Silence PyTorch's exporter, which warns of its own deprecations and of libraries that are not installed."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
