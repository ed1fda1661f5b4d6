r"""What identity links do to the gradients of 56 layers, and to narrow networks that learn in seconds: section 5.1.

In a plain layer ReLU(BN(V h)) the activations behind ReLU vary from image to image with variance 1/2 - 1/(2 pi), if the
products V h are standard normal after normalisation; so on the way back the gradient's norm grows by GROWTH a layer.
That batch norm makes gradients grow exponentially with depth: Yang et al., ICLR 2019, doi 10.48550/arXiv.1902.08129.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
import torch
from scipy import stats
from torch.nn.functional import avg_pool2d, batch_norm, cross_entropy, relu

from src.checks import COUNT, arguments, check_positive, check_value, entries
from src.experiments import datasets, inputs, networks, table_1, training
from src.runs import checkpoints, recorded

GROWTH = math.sqrt(math.pi / (math.pi - 1))  # of the gradient's norm, a plain layer towards the input
PRECISIONS = "table_1_precision"  # the recording of `record_precisions`


class Digits(NamedTuple):
    """The embedded digits, each pixel the mean of four, standardised: [n, 1, 14, 14] and labels [n]."""

    name: str
    x: torch.Tensor
    y: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor


def digits():
    """The Digits; they come with a package, no download."""
    images = datasets.mnist()

    def small(pixels):
        return avg_pool2d(datasets.standardised(pixels).reshape(-1, 1, 28, 28), 2)

    test = small(images.test_images), images.test_labels
    return Digits(images.name, small(images.train_images), images.train_labels, *test)


_IMAGES = inputs.data("[n, c, h, w]")
_SEED = range(2**31)  # two numbers are made of each
_SIZE = {"depth": range(1, 1001), "width": range(1, 1025), "epochs": range(1, 10**4)}


def _norms(name, value):
    """Positive numbers in an array [..., K] with K >= 2."""
    check_value(name, value, np.ndarray)
    check_value(name, value, entries(check_positive))
    if value.ndim < 1 or value.shape[-1] < 2:
        raise ValueError(f"{name} must be [..., K] with K >= 2, not {list(value.shape)}")


@arguments(skip=range(3), generator=torch.Generator, x=_IMAGES)
def through_depth(skip, generator, x, y):
    """Root mean square of the activations, and norm of the loss's gradient, behind every block: [2, 1 + 27].

    skip: as in `networks.CifarNet`, 56 layers of full width at random weights. x, y: one batch of images and labels.
    """
    inputs.check_labels("y", y, x, of="x", classes=inputs.CLASSES)
    net = networks.CifarNet(skip, generator=generator, channels=x.shape[1])
    behind = []
    net.layer1.register_forward_pre_hook(lambda module, given: behind.append(given[0]))
    for block in [*net.layer1, *net.layer2, *net.layer3]:
        block.register_forward_hook(lambda module, given, output: behind.append(output))
    gradients = torch.autograd.grad(cross_entropy(net(x), y), behind)
    activations = torch.stack([h.detach().square().mean().sqrt() for h in behind])
    return torch.stack([activations, torch.stack([g.norm() for g in gradients])])


@arguments(skip=range(3), seed=_SEED, starts=range(1, 10**4), x=_IMAGES)
def profiles(skip, seed, starts, x, y):
    """`through_depth` of the random starts seed, seed + 1, ...: a numpy array [starts, 2, 28]."""
    inputs.check_labels("y", y, x, of="x", classes=inputs.CLASSES)
    found = [through_depth(skip, torch.Generator().manual_seed(seed + k), x, y) for k in range(starts)]
    return torch.stack(found).numpy()


@arguments(norms=_norms, layers=COUNT)
def growth(norms, layers=2):
    """The factor by which norms [..., K], `layers` layers apart, grow a layer towards the first one, fitted."""
    logarithms = np.log(norms).reshape(-1, norms.shape[-1]).mean(0)
    return math.exp(-stats.linregress(layers * np.arange(len(logarithms)), logarithms).slope)


@arguments(
    generator=torch.Generator,
    width=range(2, 10_001),
    images=range(2, 10_001),
    layers=range(2, 1001),
    activation=callable,
)
def plain_growth(generator, width=512, images=128, layers=54, activation=relu):
    """The `growth` in what the computation speaks of: wide, fully connected plain layers and random images."""
    h, behind = torch.randn(images, width, generator=generator, requires_grad=True), []
    for _ in range(layers):
        V = torch.randn(width, width, generator=generator) / width**0.5  # [width, width]
        h = activation(batch_norm(h @ V, None, None, training=True))
        behind.append(h)
    gradients = torch.autograd.grad((h * torch.randn(h.shape, generator=generator)).sum(), behind)
    return growth(np.array([g.norm().item() for g in gradients]), layers=1)


@arguments(skip=range(3), data=Digits, seed=_SEED, **_SIZE)
def learn(skip, data, seed, *, depth, width, epochs, precision=None):
    """The training.Record of a narrow network with 6 `depth` + 2 layers on Digits, by a one-cycle schedule.

    precision: torch.bfloat16 for the convolutions' arithmetic, default float32. Errors as `networks.CifarNet`.
    """
    weights = torch.Generator().manual_seed(2 * seed)
    net = networks.CifarNet(skip, generator=weights, depth=depth, width=width, channels=1)
    net = net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    recipe = table_1.Recipe(epochs, "one-cycle", "float32")
    return training.train(
        net,
        data.x,
        data.y,
        optimizer=optimizer,
        epochs=epochs,
        batch=recipe.batch,
        seed=2 * seed + 1,
        evaluate={"test": (data.x_test, data.y_test)},
        scheduler=table_1.schedule(optimizer, recipe, -(-len(data.y) // recipe.batch)),
        precision=precision,
        progress=True,
    )


@arguments(data=Digits, seed=_SEED, **_SIZE, runs=range(1, 10**4))
def record_precisions(data, seed, *, depth, width, runs=12, epochs=5):
    """Store the last test errors of the narrow ResNet in float32 and with bfloat16, the same seeds: [2, runs].

    Raises RuntimeError on a CPU without bfloat16, where both would be float32.
    """
    if training.usable(torch.bfloat16, "cpu") is None:
        raise RuntimeError("this recording needs a CPU with arithmetic in bfloat16")
    seeds = range(seed, seed + runs)
    size = {"depth": depth, "width": width, "epochs": epochs}  # epochs enough for most of the error to go
    run = recorded.Recorder(PRECISIONS, __name__, parameters=size, seeds=seeds)
    errors = checkpoints.one_by_one(
        lambda precision, s: learn(2, data, s, **size, precision=precision).errors["test"][-1].item(),
        itertools.product((None, torch.bfloat16), seeds), path=run.checkpoint, module=__name__, data=list(data), **size,
    )  # fmt: skip
    return run.save({"test_error": np.reshape(errors, (2, -1))}, images=data.name, evaluation=table_1.EVALUATION)
