"""He et al.'s ResNet-56 with weights that others trained: a check of `networks.resnet56` that trains nothing.

The weights are those of the usual PyTorch port (Y. Idelbayev, "Proper ResNet Implementation for CIFAR10/CIFAR100 in
PyTorch", which lists a test error of 6.61 %; He et al. give 6.97 %). How to repeat it:

    curl -LO https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/resnet56-4bfd9763.th
    python -m src.experiments.published_weights resnet56-4bfd9763.th

which reads CIFAR-10 as `datasets.cifar10` does, and prints the test error, after a minute on two quiet cores. Both
networks take every second pixel and pad with zero channels where an image is halved (He et al.'s option A), so that
the mapped weights give the same function. Two things differ: that network was saved inside a container that prefixes
every name with `module.`, and it was trained on pixels standardised with the means of ImageNet.
"""

import hashlib
import io
import sys
from pathlib import Path

import torch

from src.checks import arguments, optional
from src.experiments import datasets, inputs, networks, training

PREFIX = "module."
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels over 255, channel by channel
SHA256 = "4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367"  # its first digits are in the file's name
LARGEST = 2**24  # bytes of a file; the published one has 3.5 million
LISTED_ERROR = 6.61  # per cent of the test images, as the port's README lists it


@arguments(state=inputs.mapping(torch.Tensor))
def renamed(state):
    """The parameters and statistics by the names that `networks.CifarNet` gives them: without the prefix `module.`.

    state: {name: tensor}, as saved by the port. Raises ValueError where a name lacks the prefix.
    """
    for name in state:
        if not name.startswith(PREFIX):
            raise ValueError(f"every name in state must begin with {PREFIX!r}, as the port saves it; found {name!r}")
    return {name.removeprefix(PREFIX): value for name, value in state.items()}


@arguments(path=inputs.path, network=optional(torch.nn.Module), sha256=optional(str))
def load(path, network=None, sha256=SHA256):
    """A network in evaluation mode with the weights of the port's file at `path`.

    network: the CifarNet to fill, default `networks.resnet56()`. sha256: what the file must have, None for any.
    Nothing but tensors, numbers and texts is unpickled. Raises FileNotFoundError, or ValueError for a file that is not
    the published one or whose tensors are not those of the network.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"path must be a file; {path} is {'a folder' if Path(path).is_dir() else 'not there'}")
    with open(path, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"{path} is not the published file: it has more than {LARGEST:,} bytes")
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise ValueError(f"{path} is not the published file: it has SHA-256 {found}, not {sha256}")
    try:
        saved = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can raise nearly anything
        raise ValueError(f"{path} is not a file of weights alone: {error}") from error
    if not isinstance(saved, dict) or "state_dict" not in saved:
        raise ValueError(f"{path} must hold a dictionary with an entry 'state_dict', as the port saves it")
    network = networks.resnet56() if network is None else network
    try:
        network.load_state_dict(renamed(saved["state_dict"]))
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} does not hold the weights of this network: {error}") from error
    if not all(torch.isfinite(value).all() for value in network.state_dict().values()):
        raise ValueError(f"{path} must hold finite weights; it holds NaN or infinity")
    return network.eval()


@arguments(images=inputs.colours)
def standardised(images):
    """float32 (pixel / 255 - mean) / std with ImageNet's values, from uint8 images [n, 3, h, w]."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (MEAN, STD))
    return images.float().div_(255).sub_(mean).div_(std)


@arguments(network=torch.nn.Module, images=optional(datasets.check_images))
def evaluate(network, images=None):
    """The share, in per cent, of the test images that the network gets wrong; `images`: `Images`, default CIFAR-10."""
    images = datasets.cifar10() if images is None else images
    return 100 * training.error(network, standardised(images.test_images), images.test_labels)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m src.experiments.published_weights FILE")
    print(f"test error {evaluate(load(sys.argv[1])):.2f} % (listed: {LISTED_ERROR} %)")
