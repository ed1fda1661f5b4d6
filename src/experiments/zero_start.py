"""Section 5.4, judged: errors paired by seed, the network that has no links, and what the claims rest on.

Errors are percentages, differences points.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy import stats
from torch.nn.functional import cross_entropy

from src import verdicts
from src.experiments import networks, zero_initialization


class Paired(NamedTuple):
    """Test errors in per cent after the last epoch, of runs paired by seed, and their mean difference in points."""

    zero: np.ndarray  # [seeds]
    random: np.ndarray  # [seeds]
    low: float  # the 95 % interval of the mean of zero - random, from Student's t
    high: float

    @property
    def difference(self):
        return (self.zero - self.random).mean()

    @property
    def behind(self):
        """The start that falls behind by the interval: "zero", "random" or None."""
        return "zero" if self.low > 0 else "random" if self.high < 0 else None


def paired(test_error):
    """`Paired` of the last epoch of curves [2, seeds, epochs + 1], fractions; the interval of equal differences is NaN.

    Raises ValueError for another shape and for fewer than two seeds.
    """
    if test_error.ndim != 3 or test_error.shape[0] != 2 or test_error.shape[1] < 2:
        raise ValueError(f"test_error must be [2, seeds, epochs + 1] with two seeds or more, not {test_error.shape}")
    zero, random = 100 * test_error[..., -1]
    interval = stats.ttest_rel(zero, random).confidence_interval(0.95)
    return Paired(zero, random, float(interval.low), float(interval.high))


def first_gradients(x, y, start, seed, choices, *, identity):
    """The largest entry of the loss's gradient at the start, by parameter name ("readout.bias", "blocks.0.weight"...).

    x: inputs [n, d]; y: labels [n]; the blocks have biases here, starting at zero, to show their gradients too. Other
    arguments as in `zero_initialization.learn`.
    """
    generator = torch.Generator().manual_seed(seed)
    init = "zero" if start == "zero" else choices.init
    model = networks.BlockMLP(
        x.shape[1],
        zero_initialization.CLASSES,
        generator,
        identity=identity,
        init=init,
        readout=choices.readout,
        bias=True,
    ).to(x)
    cross_entropy(model(x), y).backward()
    return {name: p.grad.abs().max().item() for name, p in model.named_parameters()}


class Stuck(NamedTuple):
    """What a network without links does from zero weights: nothing, by the chapter's proposition."""

    gradient: float  # largest entry of the first gradient in any parameter but the read-out's bias
    bias_gradient: float  # the same of the read-out's bias
    weight: float  # largest entry of a block's weights and biases after training
    answers: tuple  # the classes that it gives to the test images
    error: float  # its test error in per cent
    loss: np.ndarray  # training loss in nats, [epochs + 1]

    @property
    def holds(self):
        """Whether only the read-out's bias had a gradient, no block moved and every image got one answer."""
        return self.gradient == 0 < self.bias_gradient and self.weight == 0 and len(self.answers) == 1


def without_links(images, seed, epochs, choices, *, device="cpu"):
    """`Stuck`: first gradients on 256 images, then one training run without links from zero weights."""
    x, y = choices.inputs(images.train_images[:256]), images.train_labels[:256]
    gradients = first_gradients(x, y, "zero", seed, choices, identity=False)
    bias_gradient = gradients.pop("readout.bias")
    model, record = zero_initialization.learn(images, "zero", seed, epochs, choices, identity=False, device=device)
    with torch.no_grad():
        answers = model(choices.inputs(images.test_images).to(device)).argmax(1).unique().tolist()
    weight = max(p.abs().max().item() for p in model.blocks.parameters())
    error = 100 * record.errors["test"][-1].item()
    return Stuck(max(gradients.values()), bias_gradient, weight, tuple(answers), error, record.loss.numpy())


class ZeroStart(NamedTuple):
    """What the claim of section 5.4 rests on: recorded comparisons, and this run's."""

    linked: Paired  # with links: zero is to be as good as random
    unlinked: Paired  # without: zero is to fail
    learnt: float  # test error of this run from zero with links, per cent
    stuck: Stuck  # this run from zero without links, same seed
    tolerance: float = 0.25  # points: what counts as "as well"

    @property
    def verdict(self):
        """fails, unless zero learns with links (below 10 %, and below this run without) and not without (no seed below
        85 %: one answer for every image is wrong on nearly nine of ten); and if the interval with links lies above the
        tolerance. holds, if the interval ends below it. Otherwise the runs do not decide."""
        learns = self.linked.zero.mean() < 10 and self.learnt < self.stuck.error
        fails_without = self.stuck.holds and self.unlinked.zero.min() > 85 and self.unlinked.behind == "zero"
        if not (learns and fails_without) or self.linked.low > self.tolerance:
            return verdicts.FAILS
        return verdicts.HOLDS if self.linked.high < self.tolerance else verdicts.UNDECIDED


def compared(recording):
    """{variant: `Paired`} of the recorded `sensitivity`; the first variant also after half its epochs."""
    names, errors = recording.arrays["variants"].tolist(), recording.arrays["test_error"]
    half = errors[0, ..., : errors.shape[-1] // 2 + 1]
    return {name: paired(e) for name, e in zip(names, errors, strict=True)} | {
        f"{names[0]}, half the epochs": paired(half)
    }
