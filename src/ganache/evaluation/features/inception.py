"""Features "inception": the 2,048 features of Inception v3, computed by torch-fidelity with weights from a file."""

from __future__ import annotations

import hashlib
import io
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganache.core.images import as_rgb, to_uint8
from ganache.errors import ConfigError, MissingExtra
from ganache.evaluation.features.base import FeatureInputs, Features, require_image
from ganache.types import ImageShape

WEIGHTS_FILE = "pt_inception-2015-12-05-6726825d.pth"
"""Weights of the TensorFlow network of 2015 (Heusel et al. 2017), as published in the releases of pytorch-fid. The
releases of torch-fidelity hold the same file as weights-inception-2015-12-05-6726825d.pth."""

SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"


class InceptionFeatures(Features):
    """Inception v3 of 2015, the features of published FIDs. Grey images are repeated over three channels."""

    name = "inception"
    num_features = 2048
    preprocessing = "299x299, resized as TensorFlow 1 does"
    weights_file = f"{WEIGHTS_FILE} (from the releases of pytorch-fid)"

    def __init__(self, image_shape: ImageShape, weights: Path) -> None:
        """Raises ConfigError if the file does not hold such weights, MissingExtra without torch-fidelity."""
        super().__init__()
        require_image(image_shape, self.name)
        self.network = build_network(read_weights(weights), weights).eval().requires_grad_(False)
        if hashlib.sha256(weights.read_bytes()).hexdigest() != SHA256:
            self.notes = (f"The weights are not those of {WEIGHTS_FILE}: do not compare with published numbers.",)

    @classmethod
    def build(cls, inputs: FeatureInputs) -> InceptionFeatures:
        assert inputs.weights is not None, "`build_features` has checked it"
        return cls(inputs.data.image_shape, inputs.weights)

    def vectors(self, x: Tensor) -> Tensor:
        images = to_uint8(as_rgb(x)).permute(0, 3, 1, 2)
        (h,) = self.network(images)
        return h  # type: ignore[no-any-return]

    def logits(self, h: Tensor) -> Tensor:
        """Return the logits [N, 1008] without bias, as the Inception score uses them (code of Salimans et al. 2016)."""
        return h @ self.network.fc.weight.T  # type: ignore[no-any-return]


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors in a PyTorch file. It is opened with `weights_only`, so that no code in it can run."""
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ConfigError(f"There is no file {path}: give --weights the path of {WEIGHTS_FILE}.") from None
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path} holds no weights ({reason}): give --weights the path of {WEIGHTS_FILE}.") from None
    if not isinstance(weights, dict):
        raise ConfigError(f"{path} holds no weights by name: give --weights the path of {WEIGHTS_FILE}.")
    return weights


def build_network(weights: dict[str, Tensor], path: Path) -> Any:
    """Return torch-fidelity's network with these weights.

    The library opens its file as a pickle, which could run code, so it is given a new file of the tensors read.
    """
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    buffer.seek(0)
    try:
        return load_library()("inception", ["2048"], feature_extractor_weights_path=buffer)
    except RuntimeError:
        raise ConfigError(
            f"{path} holds the weights of another network: give --weights the path of {WEIGHTS_FILE}."
        ) from None


def load_library() -> Any:
    """Return torch-fidelity's class. Raises MissingExtra if it is not installed, ConfigError if its import fails."""
    if find_spec("torch_fidelity") is None:
        raise MissingExtra("The features 'inception'", "inception")
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except (ImportError, RuntimeError) as error:
        raise ConfigError(
            f"torch-fidelity cannot be imported ({error}): install the torchvision that was built for this PyTorch, "
            "or use --features random."
        ) from None
    return FeatureExtractorInceptionV3
