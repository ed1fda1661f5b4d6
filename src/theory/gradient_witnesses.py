r"""Lemma 2.1, doubted: the printed sum against three witnesses of the gradient that know nothing of it.

Automatic differentiation and finite differences of the loss as a plain sum (`src.theory.closed_form`), and an average
over inputs. Every gradient is at the true scale, the printed sum R at the printed one; W and W_star are [d, d] float64.
"""

import math
from typing import NamedTuple

import mpmath
import torch
from scipy import stats

from src import verdicts
from src.checks import arguments, between, check_value, vector
from src.model import population
from src.theory import closed_form

_SAMPLES, _BATCHES = range(2, 10**9), range(2, 10**6)


class Witnesses(NamedTuple):
    """What Lemma 2.1 prints for -grad L(W), and grad L(W) from several sides."""

    printed: torch.Tensor  # [d, d], the sum R that the lemma prints: `population.lemma_2_1`
    book: torch.Tensor  # [d, d], `population.gradient`, which all other chapters use
    autograd: torch.Tensor  # [d, d], `closed_form.loss_as_written` differentiated automatically
    batches: torch.Tensor  # [B, d, d], averages over independent batches of inputs
    entries: torch.Tensor  # [n], which entries of the flattened matrix were differenced
    differences: torch.Tensor  # [n], central differences of `closed_form.loss_in_digits`


@arguments(samples=_SAMPLES, generator=torch.Generator, batches=_BATCHES)
def witnesses(W, W_star, samples, entries, generator, batches=20):
    """`Witnesses` at one pair, with `samples` inputs in all and so many random entries differenced.

    Raises TypeError or ValueError, naming the argument, for a bad pair, number or generator.
    """
    W, W_star = closed_form.single(W, W_star)
    check_value("entries", entries, range(1, W.numel() + 1))
    sampled = gradient_by_sampling(W, W_star, samples, generator, batches)
    chosen = torch.randperm(W.numel(), generator=generator)[:entries]
    return Witnesses(
        printed=population.lemma_2_1(W, W_star),
        book=population.gradient(W, W_star),
        autograd=gradient_by_autograd(W, W_star),
        batches=sampled,
        entries=chosen,
        differences=gradient_by_differences(W, W_star, chosen),
    )


def gradient_by_autograd(W, W_star):
    """grad L(W) [d, d]: it knows the kernel, not the gradient. Columns must not be parallel."""
    W, W_star = closed_form.single(W, W_star)
    if (W_star == W).all(0).any():
        raise ValueError("W must have no column in common with W_star, where automatic differentiation divides by zero")
    variable = W.detach().clone().requires_grad_()
    return torch.autograd.grad(closed_form.loss_as_written(variable, W_star), variable)[0]


@arguments(samples=_SAMPLES, generator=torch.Generator, batches=_BATCHES)
def gradient_by_sampling(W, W_star, samples, generator, batches=20):
    """Averages of 2 (f - f*) 1[<a_j, x> > 0] x, the gradient of (f - f*)^2: [batches, d, d]; equations 1 and 2 alone.

    Their scatter gives the standard error of whatever is computed from them.
    """
    W, W_star = closed_form.single(W, W_star)
    if samples < batches:
        raise ValueError(f"samples must be at least batches = {batches}, not {samples}")
    eye, found = torch.eye(len(W), dtype=W.dtype), []
    for _ in range(batches):
        x = torch.randn(samples // batches, len(W), generator=generator, dtype=W.dtype)
        hidden = x @ (eye + W)
        residual = hidden.relu().sum(1) - closed_form.network(x, eye + W_star)
        found.append(2 / len(x) * x.T @ (residual[:, None] * (hidden > 0)))
    return torch.stack(found)


@arguments(step=between(0, 1), digits=closed_form.DIGITS)
def gradient_by_differences(W, W_star, entries, step=1e-15, digits=50):
    """Central differences of the loss in the given entries [n] of the flattened W: [n]. They know no calculus.

    With the default step they are right to about thirty digits before they are rounded.
    """
    W, W_star = closed_form.single(W, W_star)
    check_value("entries", entries, vector(range(W.numel())))
    if step < 10.0 ** (-digits / 2):
        raise ValueError(f"step must be at least 10^(-digits / 2) for digits = {digits}, not {step}")
    found = []
    with mpmath.workdps(digits):
        columns, h = closed_form.exact_columns(W) + closed_form.exact_columns(W_star), mpmath.mpf(step)
        for entry in torch.as_tensor(entries).tolist():
            row, column = divmod(entry, len(W))
            values = []
            for sign in (1, -1):
                moved = [list(c) for c in columns]
                moved[column][row] += sign * h
                values.append(closed_form.exact_loss(moved))
            found.append(float((values[0] - values[1]) / (2 * h)))
    return torch.tensor(found, dtype=torch.float64)


class Factor(NamedTuple):
    """What Lemma 2.1 comes to: the factor between the printed sum and the negative gradient.

    Of the ratio entry by entry, over the witnesses that are exact: its mean and extremes. By sampling: the share
    <-grad L, R> / |R|_F^2, whose reciprocal is the factor if there is one.
    """

    mean: float
    smallest: float
    largest: float
    share: float
    share_error: float  # standard error of the share
    batches: int  # from so many batches

    @property
    def spread(self):
        """The largest relative distance of a ratio from the mean."""
        return max(abs(self.smallest / self.mean - 1), abs(self.largest / self.mean - 1))

    def is_everywhere(self, factor):
        """Whether every exact ratio is `factor` to nine digits and the sampled share is within its error."""
        # 99.9 % of Student's t lie within this many standard errors.
        sampled = abs(self.share - 1 / factor) < stats.t.isf(0.0005, self.batches - 1) * abs(self.share_error)
        return sampled and all(abs(ratio / factor - 1) < 1e-9 for ratio in (self.mean, self.smallest, self.largest))

    @property
    def verdict(self):
        """holds, if the factor is one; holds corrected, if it is pi in every entry; fails otherwise."""
        if self.is_everywhere(1):
            return verdicts.HOLDS
        return verdicts.CORRECTED if self.is_everywhere(math.pi) else verdicts.FAILS


@arguments(found=Witnesses)
def factor(found):
    """The `Factor` that the `Witnesses` found."""
    exact = [found.printed / -gradient for gradient in (found.autograd, found.book)]
    ratios = torch.cat([*map(torch.flatten, exact), found.printed.flatten()[found.entries] / -found.differences])
    # Each batch alone gives an estimate of the share; the mean of all has a standard error.
    shares = (-found.batches * found.printed).sum((-2, -1)) / found.printed.square().sum()
    mean, error = shares.mean().item(), (shares.std() / math.sqrt(len(shares))).item()
    return Factor(ratios.mean().item(), ratios.min().item(), ratios.max().item(), mean, error, len(shares))
