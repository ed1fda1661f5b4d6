"""Critical points of the exact loss: where its gradient is zero, what kind of point that is, and a survey of them."""

import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import COUNT, SEED, arguments, between, check_pair, each
from src.model import population, weights
from src.runs import checkpoints, recorded
from src.theory import only_critical_point
from src.theory.bounds import PHASE_TWO_SPECTRAL

_SMALL = range(1, 11)  # dimensions in which a batch of Hessians fits
_STARTS = range(1, 10**5)


class Critical(NamedTuple):
    """What `find` reached from each of S starts."""

    W: torch.Tensor  # [S, d, d]
    gradient_norm: torch.Tensor  # [S], |grad L|_F at the true scale; small where the search converged
    lowest_curvature: torch.Tensor  # [S], smallest eigenvalue of the Hessian at the true scale: negative at a saddle


@arguments(steps=COUNT, tolerance=between(0, 1))
def find(W, W_star, steps=80, tolerance=1e-11):
    """Critical points of L near the starts W, [S, d, d], each for its teacher W_star, [S, d, d].

    Minimises |grad L|^2 by Levenberg and Marquardt's method with the exact Hessian, in at most that many steps, so that
    saddles and minima are found alike; a start is done when |grad L|_F < tolerance. The Hessians are dense: d <= 10.
    Raises ValueError for anything but two [S, d, d] batches, and errors as `population.gradient` does.
    """
    W, W_star = check_pair(W, W_star)
    if W.ndim != 3:
        raise ValueError(f"W must be of shape [S, d, d], not {list(W.shape)}")
    W = W.detach().clone()
    n = W.shape[-1] ** 2
    gradient = population.gradient(W, W_star).flatten(-2)
    damping = torch.full_like(gradient[:, 0], 1e-2)
    eye = torch.eye(n, dtype=W.dtype, device=W.device)
    for _ in range(steps):
        active = (gradient.norm(dim=-1) >= tolerance).nonzero()[:, 0]
        if not len(active):
            break
        G, T, lam = gradient[active], W_star[active], damping[active]
        H = _hessian(W[active], T)
        step = torch.linalg.solve(H @ H + lam[:, None, None] * eye, H @ G[..., None])[..., 0]
        trial = W[active] - step.unflatten(-1, W.shape[-2:])
        G_trial = population.gradient(trial, T).flatten(-2)
        better = G_trial.norm(dim=-1) < G.norm(dim=-1)
        W[active] = torch.where(better[:, None, None], trial, W[active])
        gradient[active] = torch.where(better[:, None], G_trial, G)
        damping[active] = torch.where(better, lam / 5, lam * 4).clamp(1e-14, 1e6)
    return Critical(W, gradient.norm(dim=-1), torch.linalg.eigvalsh(_hessian(W, W_star))[:, 0])


class Survey(NamedTuple):
    """Where each of S starts of a search led, arrays [S]; in this order they are the rows of a recorded survey."""

    size: np.ndarray  # spectral norm of the start
    spectral_norm: np.ndarray  # |W|_2 of the end
    distance: np.ndarray  # |W - W*|_F of the end
    lowest_curvature: np.ndarray  # of the Hessian at the end, true scale
    converged: np.ndarray  # 1 where |grad L|_F < 1e-9 at the end, else 0
    loss: np.ndarray  # of eq. 2 at the end
    least_singular_value: np.ndarray  # of I + W at the end: 0 where its columns are linearly dependent

    def where(self, mask):
        """The Survey of the starts that `mask`, [S], selects."""
        return Survey(*(row[mask] for row in self))

    @property
    def at_teacher(self):
        """Whether the end is the teacher."""
        return (self.converged == 1) & (self.distance < 1e-3)

    @property
    def elsewhere(self):
        """Whether the end is a critical point other than the teacher."""
        return (self.converged == 1) & (self.distance > 1e-3)

    @property
    def kinds(self):
        """The critical points of a Survey by kind: {name: mask [S]}."""
        minimum, zero = self.lowest_curvature > 1e-6, self.loss < 1e-10
        return {"saddle": ~minimum, "permuted teacher": minimum & zero, "local minimum": minimum & ~zero}


class Nearest(NamedTuple):
    """Critical points other than the teacher: where there is none, by proof, and the nearest that a search found."""

    proved: float  # spectral norm of W and W* up to which there is none, in every dimension from 100 on
    proved_anywhere: float  # the same in every dimension
    spectral_norm: float  # least |W|_2 of one that was found; inf where none was
    starts: int  # of the search

    @property
    def verdict(self):
        """holds, if the ball of radius 1/100 that Theorem 3.2 speaks of is proved to hold none, and the search does
        not contradict the proof; fails otherwise."""
        proved = min(self.proved, self.proved_anywhere) >= PHASE_TWO_SPECTRAL
        contradicted = self.spectral_norm <= max(self.proved, self.proved_anywhere)
        return verdicts.HOLDS if proved and not contradicted else verdicts.FAILS


SIZES = (0.1, 0.3, 0.6, 1.0, 1.5, 2.5)  # spectral norms of the starts of a survey


@arguments(d=_SMALL, count=_STARTS, teacher_norm=between(0, math.inf), generator=torch.Generator)
def survey(d, count, teacher_norm, generator):
    """The Survey of `count` random starts of each of the spectral norms SIZES, each with a random teacher of its own.

    teacher_norm: the teachers' spectral norm. Dense Hessians: d <= 10. Raises TypeError or ValueError for bad input.
    """
    size = torch.tensor(SIZES, dtype=torch.float64).repeat_interleave(count)
    W_star = weights.gaussian((len(size), d, d), teacher_norm, generator)
    found = find(weights.gaussian((len(size), d, d), 1, generator) * size[:, None, None], W_star)
    rows = (
        size,
        torch.linalg.matrix_norm(found.W, 2),
        (found.W - W_star).norm(dim=(1, 2)),
        found.lowest_curvature,
        (found.gradient_norm < 1e-9).double(),
        population.loss(found.W, W_star),
        torch.linalg.svdvals(torch.eye(d, dtype=torch.float64) + found.W)[:, -1],
    )
    return Survey(*(row.numpy() for row in rows))


@arguments(seed=SEED, plan=each(each(_STARTS)))
def record(seed, plan=((2, 300), (3, 300), (4, 200), (5, 100), (6, 40)), *, folder=None):
    """The larger survey, stored as the recording `critical_points`, a minute's work: a list of Surveys.

    plan: dimensions and numbers of starts of each size, all for teachers of norm 0.1 and 0.5.
    """
    if not all(len(entry) == 2 and entry[0] in _SMALL for entry in plan):
        raise ValueError("plan must hold pairs of a dimension, at most 10, and a number of starts")
    rows = "size, spectral norm, distance, curvature, converged, loss, least singular value"
    parameters = {"sizes": SIZES, "rows": rows, "plan": plan}
    run = recorded.Recorder("critical_points", __name__, parameters=parameters, seeds=[seed], folder=folder)
    generator = torch.Generator().manual_seed(seed)
    units = [(d, count, norm) for d, count in plan for norm in (0.1, 0.5)]
    tables = checkpoints.one_by_one(
        lambda *unit: torch.from_numpy(np.stack(survey(*unit, generator))),
        units, path=run.checkpoint, module=__name__, generator=generator,
    )  # fmt: skip
    run.save({f"d{d}_teacher{norm}": table for (d, _, norm), table in zip(units, tables, strict=True)})
    return [Survey(*table.numpy()) for table in tables]


@arguments(surveys=each(Survey))
def together(surveys):
    """Several Surveys as one."""
    return Survey(*map(np.concatenate, zip(*surveys)))


@arguments(searched=Survey)
def nearest(searched):
    """The Nearest critical point of a Survey that is not the teacher."""
    norms = searched.spectral_norm[searched.elsewhere]
    proved = (only_critical_point.radius(d) for d in (100, 1))
    return Nearest(*proved, float(norms.min(initial=np.inf)), len(searched.size))


def _hessian(W, W_star):
    """The Hessian of L in W as [S, d*d, d*d]."""
    d = W.shape[-1]
    directions = torch.eye(d * d, dtype=W.dtype, device=W.device).reshape(d * d, 1, d, d)
    return population.hessian_product(W, W_star, directions).flatten(-2).movedim(0, -1)
