"""Section 5.4, judged: errors paired by seed, the network that has no links, and what the claims rest on.

Errors are percentages, differences points.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy import stats
from torch.nn.functional import cross_entropy

from src import verdicts
from src.checks import SEED, arguments, check_value, each, entries
from src.experiments import datasets, inputs, networks, zero_initialization
from src.runs import recorded

PAPER = (1.28, 1.27)  # test error in per cent, zero and random, means of five runs
LEVEL = 0.95  # of the interval of a paired difference


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


def _curves(name, value):
    """Numbers in an array [2, seeds, epochs + 1], of two seeds or more."""
    check_value(name, value, np.ndarray)
    check_value(name, value, entries(inputs.NUMBER))
    if value.ndim != 3 or value.shape[0] != 2 or value.shape[1] < 2:
        raise ValueError(f"{name} must be [2, seeds, epochs + 1] with two seeds or more, not {value.shape}")


@arguments(test_error=_curves)
def paired(test_error):
    """`Paired` of the last epoch of curves [2, seeds, epochs + 1], fractions; the interval of equal differences is NaN.

    Raises ValueError for another shape and for fewer than two seeds.
    """
    zero, random = 100 * test_error[..., -1]
    interval = stats.ttest_rel(zero, random).confidence_interval(LEVEL)
    return Paired(zero, random, float(interval.low), float(interval.high))


@arguments(
    x=inputs.data("[n, d]"),
    start=zero_initialization.STARTS,
    seed=SEED,
    choices=zero_initialization.Choices,
    identity=bool,
)
def first_gradients(x, y, start, seed, choices, *, identity):
    """The largest entry of the loss's gradient at the start, by parameter name ("readout.bias", "blocks.0.weight"...).

    x: inputs [n, d]; y: labels [n]; the blocks have biases here, starting at zero, to show their gradients too. Other
    arguments as in `zero_initialization.learn`.
    """
    inputs.check_labels("y", y, x, of="x", classes=inputs.CLASSES)
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


@arguments(
    images=datasets.check_images,
    seed=zero_initialization.SEEDS,
    epochs=zero_initialization.PASSES,
    choices=zero_initialization.Choices,
    device=inputs.device,
)
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


class AsGood(NamedTuple):
    """Whether zero is as good a start as random, with the links: recorded comparisons on full MNIST, and this run."""

    plain: Paired  # the paper's step and batch, plain SGD, pixels standardised
    unit: Paired  # the same with pixels from 0 to 1, ten epochs: has not converged, so it can only refute
    recipe: Paired | None  # `zero_initialization.RECIPE`; None where it is not recorded
    learnt: float  # test error of this run from zero with links, per cent
    without: float  # the same without links, same seed
    tolerance: float = 0.25  # points: what counts as "as good"

    @property
    def verdict(self):
        """fails, unless zero learns (below 10 %, and below this run without links), and if an interval lies above the
        tolerance. holds, if those of the converged comparisons end below it. Else open: more seeds would decide."""
        converged = [self.plain] + ([] if self.recipe is None else [self.recipe])
        learns = all(pair.zero.mean() < 10 for pair in converged) and self.learnt < self.without
        if not learns or any(pair.low > self.tolerance for pair in (*converged, self.unit)):
            return verdicts.FAILS
        return verdicts.HOLDS if all(pair.high < self.tolerance for pair in converged) else verdicts.OPEN


class Errors(NamedTuple):
    """The two errors that section 5.4 gives, beside those of our choices, all in per cent on full MNIST."""

    means: np.ndarray  # [choices, 2] mean over seeds, from zero and from random weights
    standard_errors: np.ndarray  # [choices, 2] of these means
    paper: tuple = PAPER

    @property
    def apart(self):
        """How far the nearest choice ends from the paper, in points: the larger of its two distances."""
        return np.abs(self.means - self.paper).max(1).min()

    @property
    def moved(self):
        """How far the choices that the text leaves open move an error, in points."""
        return np.ptp(self.means, axis=0).max()

    @property
    def verdict(self):
        """holds, if one choice has both errors within two standard errors; not decidable from the text, if what the
        text leaves open moves the errors further than they are from the paper's; fails otherwise."""
        if (np.abs(self.means - self.paper) <= 2 * self.standard_errors).all(1).any():
            return verdicts.HOLDS
        return verdicts.UNDECIDED if self.moved > self.apart else verdicts.FAILS


@arguments(pairs=each(Paired))
def errors(pairs):
    """`Errors` of some `Paired`, one for each choice."""
    rows = [np.stack([pair.zero, pair.random]) for pair in pairs]
    return Errors(
        np.array([row.mean(1) for row in rows]),
        np.array([row.std(1, ddof=1) / row.shape[1] ** 0.5 for row in rows]),
    )


class WithoutLink(NamedTuple):
    """Whether zero weights fail without the links: recorded errors, and this run against the proposition."""

    recorded: Paired
    stuck: Stuck

    @property
    def verdict(self):
        """holds, if nothing moved but the last bias, no recorded seed is below 85 % (one answer for every image is
        wrong on nearly nine of ten) and zero is behind random; fails otherwise."""
        fails = self.stuck.holds and self.recorded.zero.min() > 85 and self.recorded.behind == "zero"
        return verdicts.HOLDS if fails else verdicts.FAILS


def recipe():
    """The recording `mnist_recipe`, or None where it has not been made."""
    try:
        return recorded.load("mnist_recipe")
    except FileNotFoundError:
        return None


@arguments(recording=recorded.Recording)
def compared(recording):
    """{variant: `Paired`} of the recorded `sensitivity`; the first variant also after half its epochs."""
    names, errors = recording.arrays["variants"].tolist(), recording.arrays["test_error"]
    half = errors[0, ..., : errors.shape[-1] // 2 + 1]
    return {name: paired(e) for name, e in zip(names, errors, strict=True)} | {
        f"{names[0]}, half the epochs": paired(half)
    }
