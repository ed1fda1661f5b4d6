r"""Is the global minimum unique, and is the identity needed? (abstract and section 1)

f is a sum over the columns of I + W. For a permutation matrix P the weights $(I + W^*)P - I$ give the teacher's
function, so that they are global minima: d! of them. And the vanilla network with weights V is this model at W = V - I.
"""

from typing import NamedTuple

import torch

from src import verdicts
from src.checks import check_generator, check_integer, check_matrix, check_pair
from src.model import population
from src.theory.basins import all_orders, permuted
from src.theory.closed_form import loss_in_digits, network


class Uniqueness(NamedTuple):
    """The permuted teachers as global minima, and one path of SGD with and without the identity."""

    minima: int  # weights with the teacher's function, the teacher included: d!
    loss: float  # largest |L| at the others, closed form in float64
    gradient: float  # largest |grad L|_F at the others, true scale
    precise_loss: float  # |L| with the first two columns of I + W* exchanged, in 50 digits
    not_permuted: float  # L with the first two columns of W* exchanged instead: another function
    nearest: float  # smallest |W|_2 of the others
    apart: float  # |I + W - V|_F after SGD of both networks from one start and with one sequence of inputs
    moved: float  # |W - W_0|_F, how far they went

    @property
    def unique(self):
        """Whether the others are no global minima, or no others."""
        return not (max(self.loss, self.precise_loss) < 1e-12 and self.nearest > 1)

    @property
    def another_path(self):
        """Whether the identity makes a difference to SGD other than where it starts."""
        return not self.apart < 1e-12 * (1 + self.moved)

    @property
    def verdict(self):
        """holds, if the global minimum is unique and the identity changes the path; fails, if not both."""
        return verdicts.HOLDS if self.unique and self.another_path else verdicts.FAILS


def sgd(weights, network, target, generator, eta=0.02, batch=50, steps=50):
    """The end of SGD on the mean squared difference of network(x, weights) and target(x), x ~ N(0, I) fresh.

    weights: [d, d]. The gradient is autograd's, so that it does not know what the network is.
    """
    check_matrix("weights", weights)
    check_generator(generator)
    check_integer("steps", steps, at_least=1)
    weights = weights.clone().requires_grad_()
    for _ in range(steps):
        x = torch.randn(batch, len(weights), generator=generator, dtype=torch.float64)
        (gradient,) = torch.autograd.grad((network(x, weights) - target(x)).square().mean(), weights)
        weights = (weights - eta * gradient).detach().requires_grad_()
    return weights.detach()


def loss_on_line(W_star, order, points=102):
    """Eq. 2 on the straight line from the teacher W*, [d, d], to its copy in that order: two [points].

    An even number of points leaves out the middle, where two columns may cancel.
    """
    position = torch.linspace(0, 1, points, dtype=W_star.dtype)
    W = W_star + position[:, None, None] * (permuted(W_star, order) - W_star)
    return position, population.loss(W, W_star)


def judge(W_star, W_0, seed):
    """The Uniqueness of the teacher W*, [d, d], with SGD from W_0, [d, d], on inputs drawn from `seed`; d <= 8.

    The entries of W* should be multiples of 2^-20, so that I + W* is exact. Errors as `population.loss`.
    """
    W_0, W_star = check_pair(W_0, W_star)
    d = len(W_star)
    eye, swap = torch.eye(d, dtype=W_star.dtype), [1, 0, *range(2, d)]
    others = permuted(W_star, all_orders(d)[1:])  # [d! - 1, d, d]

    def target(x):
        return network(x, eye + W_star)

    def path(start, student):
        return sgd(start, student, target, torch.Generator().manual_seed(seed))

    end = path(W_0, lambda x, W: network(x, eye + W))
    end_vanilla = path(eye + W_0, network)
    return Uniqueness(
        minima=1 + len(others),
        loss=float(population.loss(others, W_star).abs().max()),
        gradient=float(population.gradient(others, W_star).norm(dim=(1, 2)).max()),
        precise_loss=float(abs(loss_in_digits(permuted(W_star, swap), W_star, 50))),
        not_permuted=float(loss_in_digits(W_star[:, swap], W_star, 50)),
        nearest=float(torch.linalg.matrix_norm(others, 2).min()),
        apart=float((eye + end - end_vanilla).norm()),
        moved=float((end - W_0).norm()),
    )
