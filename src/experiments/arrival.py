"""What section 5.2 is judged by: the norms of its matrices, who arrives at the teacher, and which teacher that is."""

import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.experiments import figure_7


class Norms(NamedTuple):
    """Claim sec-5.2-norms: the singular values of the matrices drawn, beside those of Gaussian ones."""

    teacher: torch.Tensor  # [d], falling
    starts: torch.Tensor  # [runs, d]
    gaussian: torch.Tensor  # [draws, d], of Gaussian matrices with the teacher's Frobenius norm
    error: float  # largest relative difference between a norm of teacher or starts and the one stated

    @property
    def verdict(self):
        """holds, if teacher and starts have the stated norms to within one millionth"""
        return verdicts.HOLDS if self.error < 1e-6 else verdicts.FAILS


def norms(data, generator, draws=50):
    """The Norms of a `figure_7.Data`; the Gaussian matrices are drawn from `generator`."""
    d = len(data.W_star)
    gaussian = torch.randn(draws, d, d, generator=generator, dtype=torch.float64)
    gaussian *= data.W_star.norm() / gaussian.norm(dim=(-2, -1), keepdim=True)
    teacher, starts, gaussian = map(torch.linalg.svdvals, (data.W_star, data.W_start, gaussian))
    size = math.sqrt(d / 100)
    error = max(
        float((found / stated - 1).abs().max())
        for spectrum, frobenius in ((teacher, figure_7.TEACHER * size), (starts, figure_7.START * size))
        for found, stated in ((spectrum[..., 0], figure_7.SPECTRAL), (spectrum.norm(dim=-1), frobenius))
    )
    return Norms(teacher, starts, gaussian, error)


class Arrival(NamedTuple):
    """Claim fig-7: who comes to the teacher's weights, and who does not."""

    residual: float  # largest share of its first distance that a residual run has left at its end
    rate: float  # slowest rate at which a residual distance still falls over the last quarter, per unit of t
    vanilla: float  # smallest such share of a vanilla run, over both readings
    block: float  # last test error of the three-block student, as a share of its teacher's variance
    apart: float  # largest relative difference of a distance between this run and the recorded one, where both are

    @property
    def verdict(self):
        """holds, if the residual student comes to a hundredth of its distance and is still falling, the vanilla student
        keeps half of its own, the three-block student misses a tenth of the variance, and the recording is this run's
        """
        arrives = self.residual < 0.01 and self.rate > 0
        others_do_not = self.vanilla > 0.5 and self.block > 0.1
        return verdicts.HOLDS if arrives and others_do_not and self.apart < 0.05 else verdicts.FAILS


def arrival(students, live, t_per_epoch):
    """The Arrival of `students`, recorded ones where there are; `live` is this page's run of the same setting."""
    link, block = students["ResLink"], students["3-Block"]
    return Arrival(
        residual=float((link.distance[-1] / link.distance[0]).max()),
        rate=float(decay(link, t_per_epoch).min()),
        vanilla=min(float((students[r].distance[-1] / students[r].distance[0]).min()) for r in figure_7.READINGS),
        block=float(block.test[-1].max()) / block.variance,
        apart=_apart(students, live),
    )


def decay(student, t_per_epoch):
    """[S]: the rate at which each run's distance falls over its last quarter, per unit of t = eta * steps."""
    last = student.epoch >= 0.75 * student.epoch[-1]
    return -np.polyfit(student.epoch[last] * t_per_epoch, np.log(student.distance[last]), 1)[0]


def _apart(students, live):
    """The largest relative difference of distances at epochs that both have: residual runs singly, vanilla means."""

    def difference(name, average):
        one, two = live[name], students[name]
        a, b = one.distance[np.isin(one.epoch, two.epoch)], two.distance[np.isin(two.epoch, one.epoch)]
        return np.abs(average(a) / average(b) - 1).max()

    vanilla = [difference(name, lambda curve: curve.mean(1)) for name in figure_7.READINGS]
    return float(max(difference("ResLink", lambda curve: curve), *vanilla))


class Readings(NamedTuple):
    """Claim sec-5.2-teachers: what the vanilla student ends with under each teacher that the text allows."""

    own: float  # last test error over the teacher's variance, teacher sum_j ReLU(<w*_j, x>)
    shared: float  # the same, teacher sum_j ReLU(<e_j + w*_j, x>)

    @property
    def verdict(self):
        """not decidable from the text, if its readings differ by more than a hundredth; holds, if it does not matter"""
        return verdicts.UNDECIDED if abs(self.own / self.shared - 1) > 0.01 else verdicts.HOLDS


def readings(students):
    """The Readings of the students, means over the runs."""
    return Readings(*(float(s.test[-1].mean() / s.variance) for s in (students[r] for r in figure_7.READINGS)))
