"""The Inception network of papers: 2,048 features by torch-fidelity, with the weights of a file."""

from __future__ import annotations

import hashlib
import io
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganache.core.images import to_uint8
from ganache.errors import ConfigError, MissingExtra
from ganache.evaluation.features.base import Features, refuse_unless_image
from ganache.types import ImageShape

FILE = "pt_inception-2015-12-05-6726825d.pth"
"""The weights of TensorFlow's network of 2015 (Heusel et al. 2017), as the releases of pytorch-fid hold them; those of
torch-fidelity hold the same file as weights-inception-2015-12-05-6726825d.pth."""

SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"


class Inception(Features):
    """Inception v3 of 2015, whose features papers measure by; grey images are shown in three equal channels."""

    name = "inception"
    num_features = 2048
    sees = "299x299, resized as TensorFlow 1 does"

    def __init__(self, image_shape: ImageShape, weights: Path) -> None:
        """Raises ConfigError where the file holds no such weights, MissingExtra without torch-fidelity."""
        super().__init__()
        refuse_unless_image(image_shape, self.name)
        self.network = network(read(weights), weights).eval().requires_grad_(False)
        self.known = hashlib.sha256(weights.read_bytes()).hexdigest() == SHA256

    def vectors(self, x: Tensor) -> Tensor:
        pictures = to_uint8(x).permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
        (h,) = self.network(pictures)
        return h  # type: ignore[no-any-return]

    def logits(self, h: Tensor) -> Tensor:
        """Without the bias, as the Inception score is measured (Salimans et al. 2016, their code)."""
        return h @ self.network.fc.weight.T  # type: ignore[no-any-return]


def read(path: Path) -> dict[str, Tensor]:
    """The tensors in a PyTorch file, in which nothing but tensors is opened: no code is run from it."""
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ConfigError(f"There is no file {path}: --weights names {FILE} of pytorch-fid's releases.") from None
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path} holds no weights ({reason}): --weights names the file {FILE}.") from None
    if not isinstance(weights, dict):
        raise ConfigError(f"{path} holds no weights by their names: --weights names the file {FILE}.")
    return weights


def network(weights: dict[str, Tensor], path: Path) -> Any:
    """torch-fidelity's network with these weights, its gradients off.

    It opens its file as a pickle, which could run code: so it is given what was read already, written anew.
    """
    again = io.BytesIO()
    torch.save(weights, again)
    again.seek(0)
    try:
        return library()("inception", ["2048"], feature_extractor_weights_path=again)
    except RuntimeError:
        raise ConfigError(f"{path} holds the weights of another network: --weights names the file {FILE}.") from None


def library() -> Any:
    """The class of torch-fidelity. Raises MissingExtra without it, ConfigError where it cannot be imported."""
    if find_spec("torch_fidelity") is None:
        raise MissingExtra("The features 'inception'", "inception")
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except (ImportError, RuntimeError) as error:
        raise ConfigError(
            f"torch-fidelity cannot be imported ({error}): it needs the torchvision that was built for this PyTorch; "
            "install that, or use --features random."
        ) from None
    return FeatureExtractorInceptionV3
