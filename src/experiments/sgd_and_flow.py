"""SGD beside the flow of section 5.3: whole runs at smaller dimensions, and how fast noise lets the weights decay.

The teacher is W* = 0. It has no noise, so that near it the noise of a minibatch is as large as the loss: SGD converges
as the flow does, at another rate (`linearised.sgd_decay`).
"""

import math
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.interpolate import CubicSpline

from src.checks import COUNT, DIMENSION, SEED, arguments, check_positive, check_value, each, optional, within
from src.dynamics import flow, linearised, sgd
from src.dynamics.history import CURVES
from src.experiments import inputs
from src.model import weights
from src.runs import recorded


class Setting(NamedTuple):
    """A run at another dimension with the dimensionless groups eta d, eta d^2 / batch and t of the original."""

    d: int
    batch: int
    eta: float
    steps: int


@arguments(d_scaled=range(3, DIMENSION.stop), d=DIMENSION, batch=COUNT, eta=check_positive, t_end=check_positive)
def scaled(d_scaled, d, batch, eta, t_end):
    """The `Setting` at dimension d_scaled that corresponds to steps eta with `batch` samples at d, up to time t_end."""
    step = eta * d / d_scaled
    if not 0.5 < t_end / step < COUNT.stop:
        raise ValueError(f"t_end must be a step at least, {step:.3g}, and fewer than {COUNT.stop:.0e}; not {t_end}")
    return Setting(d_scaled, max(1, round(batch * d_scaled / d)), step, round(t_end / step))


@arguments(setting=Setting, frobenius=check_positive, trace=inputs.NUMBER, generator=torch.Generator)
def scaled_start(setting, frobenius, trace, generator):
    """The wrong-way start for a `Setting`: with this Frobenius norm, and this trace where the dimension allows it."""
    least = -0.9 * frobenius * math.sqrt(setting.d - 1)
    return weights.wrong_way_start(setting.d, frobenius, max(trace, least), generator)


class Run(NamedTuple):
    """All iterations by SGD, S seeds, and the flow from the same start."""

    setting: Setting
    t: np.ndarray  # [K]
    distance: np.ndarray  # [K, S]
    potential: np.ndarray  # [K, S]
    inner: np.ndarray  # [K, S], at the true scale
    flow_t: np.ndarray  # [L]
    flow_distance: np.ndarray  # [L]
    source: str  # "live", or where the recording comes from


@arguments(setting=Setting, start=inputs.matrix, seeds=each(SEED), device=inputs.device, record=bool)
def whole_run(setting, start, seeds, device, record=False):
    """SGD with `setting` from `start` [d, d] on the device, one run per seed, and the flow: a `Run`.

    record: whether to store the curves as data/recorded/fig_8b_d{d}.npz; an interrupted run is then resumed (the
    recording's wall time is that of the last sitting).
    """
    if len(start) != setting.d:
        raise ValueError(f"start must have the dimension of setting, d = {setting.d}, not {len(start)}")
    stored = None
    if record:
        about = setting._asdict() | {"frobenius": start.norm().item(), "trace": start.trace().item()}
        name = f"fig_8b_d{setting.d}"
        stored = recorded.Recorder(name, __name__, parameters=about, seeds=seeds, device=device)
    last = setting.steps
    points = np.concatenate([[0], np.geomspace(1, last, 60), np.linspace(0, last, 40)])  # for both kinds of axis
    began = time.perf_counter()
    noisy = sgd.train(
        start.to(device, torch.float32),
        torch.zeros_like(start).to(device, torch.float32),
        eta=setting.eta,
        batch=setting.batch,
        steps=setting.steps,
        seeds=seeds,
        record_at=np.unique(points.astype(int)),
        checkpoint=stored and stored.checkpoint,
        progress=True,
    )
    seconds = time.perf_counter() - began
    smooth = flow.integrate(start, torch.zeros_like(start), setting.steps * setting.eta, rtol=1e-3)
    if record:
        stored.save(
            {"step": noisy.step, "t": noisy.t, "flow_t": smooth.t}
            | {curve: getattr(noisy, curve) for curve in CURVES}
            | {f"flow_{curve}": getattr(smooth, curve) for curve in CURVES},
            wall_time=seconds,
        )
    curves = noisy.t, noisy.distance, noisy.potential, noisy.inner, smooth.t, smooth.distance
    return Run(setting, *(x.numpy() for x in curves), "live")


@arguments(folder=optional(Path))
def recorded_runs(folder=None):
    """The `Run`s that are stored as fig_8b_d*.npz in the folder, by default data/recorded; source is the caption."""
    found = []
    for path in sorted((folder or recorded.FOLDER).glob("fig_8b_d*.npz")):
        recording = recorded.load(path.stem, folder)
        setting = Setting(**{name: recording.provenance["parameters"][name] for name in Setting._fields})
        curves = (recording.arrays[name] for name in Run._fields[1:-1])
        found.append(Run(setting, *curves, recorded.caption(recording)))
    return found


class Parting(NamedTuple):
    """How SGD's distance leaves the flow's."""

    distance: np.ndarray  # [K], SGD's, root mean square over seeds
    ratio: np.ndarray  # [K], to the flow's at the same time
    late: np.ndarray  # [K], whether a time is in the second half
    slope: float  # of log ratio per unit of t there
    predicted: float  # by the second-moment recursion


@arguments(run=Run)
def parting(run):
    """The `Parting` of a `Run`."""
    distance = np.sqrt((run.distance**2).mean(1))
    ratio = distance / np.exp(CubicSpline(run.flow_t, np.log(run.flow_distance))(run.t))
    late = run.t >= run.t[-1] / 2
    slope = np.polyfit(run.t[late], np.log(ratio[late]), 1)[0]
    d, batch, eta, _ = run.setting
    predicted = (2 * linearised.families(d)[-1].rate - linearised.sgd_decay(eta, batch, d)) / 2
    return Parting(distance, ratio, late, float(slope), predicted)


class Decay(NamedTuple):
    """The decay rate of the mean square distance near the teacher, measured and predicted, at one noise level."""

    batch: int
    level: float  # eta d^2 / batch
    measured: float  # per unit of t, mean over seeds
    error: float  # its standard error
    predicted: float


def _window(name, value):
    """Two times, not negative, the second later."""
    check_value(name, value, each(within(0, math.inf)))
    if len(value) != 2 or not value[0] < value[1]:
        raise ValueError(f"{name} must be two times, the second later; got {value!r}")


@arguments(
    starts=inputs.matrices,
    batches=each(COUNT),
    levels=each(check_positive),
    seeds=each(SEED),
    window=_window,
)
def decays(starts, batches, levels, seeds, window=(3.0, 9.0)):
    """SGD from `starts` [S, d, d], small weights near W* = 0, at all batches and noise levels: a list of `Decay`.

    The rate is fitted between the two times of the window, after the fast modes have died and before rounding counts.
    Raises ValueError where there is not one start per seed.
    """
    if len(starts) != len(seeds):
        raise ValueError(f"starts must be one start per seed, {len(seeds)}, not {len(starts)}")
    d, found = starts.shape[-1], []
    if window[1] - window[0] < 3 * max(levels) * max(batches) / d**2:
        raise ValueError(f"window must be three steps at least; {window} is not for the largest level and batch")
    for batch in batches:
        for level in levels:
            eta = level * batch / d**2
            steps = round(window[1] / eta)
            run = sgd.train(
                starts,
                torch.zeros_like(starts[0]),
                eta=eta,
                batch=batch,
                steps=steps,
                seeds=seeds,
                record_at=np.linspace(0, steps, 37).astype(int),
                allow_unstable=True,
            )
            inside = (run.t >= window[0]) & (run.t <= window[1])
            fits = [-2 * np.polyfit(run.t[inside], y, 1)[0] for y in run.distance[inside].log().T]
            error = np.std(fits, ddof=min(1, len(fits) - 1)) / math.sqrt(len(fits))
            found.append(Decay(batch, level, float(np.mean(fits)), float(error), linearised.sgd_decay(eta, batch, d)))
    return found
