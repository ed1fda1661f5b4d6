r"""Figure 7, section 5.2: three kinds of student, each with a teacher of its own kind, and what is judged about them.

The residual student is the model of equation 1. The vanilla student, sum_j ReLU(<v_j, x>), is the same model at
W = V - I; its teacher can be read in two ways. The three-block student is a network of its own. All are trained by
minibatch SGD on the squared error over one fixed training set.
"""

import math
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import torch

from src.checks import COUNT, DIMENSION, SEED, arguments, check_positive, check_value
from src.dynamics import sgd
from src.experiments import inputs, networks, regression
from src.model import weights
from src.runs import recorded

SPECTRAL, TEACHER, START = 0.6, 5.7, 5.0  # the paper's spectral norm, and Frobenius norms of W* and W_0 at d = 100
READINGS = ("Vanilla (i)", "Vanilla (ii)")  # V should reach W*; V should reach I + W*
STUDENTS = ("ResLink", *READINGS, "3-Block")
RECORDING = "fig_7"
CHECKPOINTS = recorded.ROOT / "_build" / RECORDING
EPOCHS = (0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.5, 2, 2.5, 3, *range(4, 11), *range(12, 10**4, 2))


class Data(NamedTuple):
    """What all students share, float64 on the CPU."""

    W_star: torch.Tensor  # [d, d]
    W_start: torch.Tensor  # [runs, d, d]
    train: torch.Tensor  # [n, d]
    test: torch.Tensor  # [m, d]

    @property
    def seen(self):
        """The part of the training set, as large as the test set, on which the training error is taken."""
        return self.train[: len(self.test)]


@dataclass(frozen=True)
class Recipe:
    """SGD's settings: step size, inputs in a minibatch, passes through the training set, runs of a vanilla reading."""

    eta: float
    batch: int
    epochs: int
    vanilla_runs: int
    block_epochs: int
    seed: int  # of the orders of the minibatches and of the three-block networks

    def __post_init__(self):
        allowed = {"eta": check_positive, "vanilla_runs": range(1, 10**4), "seed": SEED}
        for name, value in asdict(self).items():
            check_value(name, value, allowed.get(name, COUNT))


class Student(NamedTuple):
    """The curves of one kind of student, [K, S] at K times for S runs, as numpy arrays."""

    epoch: np.ndarray  # [K]
    train: np.ndarray  # mean squared error
    test: np.ndarray
    variance: float  # of the teacher's output on the test set, the unit of these errors
    distance: np.ndarray | None = None  # |W - W*|_F; none for the three-block student
    loss: np.ndarray | None = None  # exact, equation 2
    W: np.ndarray | None = None  # [S, d, d], the vanilla student's last weights


_SAMPLES = range(1, 10**6 + 1)
_TRAINING = {"data": Data, "recipe": Recipe, "device": inputs.device, "store": bool}


@arguments(d=DIMENSION, samples=_SAMPLES, samples_test=_SAMPLES, runs=range(1, 1001), generator=torch.Generator)
def draw(d, samples, samples_test, runs, generator):
    """Teacher, inputs and starts in dimension d, drawn in this order; the Frobenius norms scale with sqrt(d).

    `weights.with_norms`: random singular vectors, geometric singular values. Errors as there.
    """
    size = math.sqrt(d / 100)
    W_star = weights.with_norms(d, SPECTRAL, TEACHER * size, generator)
    train, test = (torch.randn(n, d, generator=generator, dtype=torch.float64) for n in (samples, samples_test))
    W_start = torch.stack([weights.with_norms(d, SPECTRAL, START * size, generator) for _ in range(runs)])
    return Data(W_star, W_start, train, test)


@arguments(W_star=inputs.matrix)
def vanilla_teachers(W_star):
    """The two readings of the vanilla student's teacher as weights of the model of equation 1, [2, d, d]."""
    return torch.stack([W_star - torch.eye(len(W_star), dtype=W_star.dtype), W_star])


@arguments(**_TRAINING)
def train(data, recipe, device, store=False):
    """{name in STUDENTS: Student}, trained on `device`: the residual one in float64, the others in float32.

    store: whether the run is resumable (checkpoints in CHECKPOINTS) and goes into data/recorded.
    Errors as `sgd.train` and `regression.fit` raise them: ValueError where batch does not divide the training set.
    """
    if store:
        seeds = [recipe.seed, *range(len(data.W_start))]
        run = recorded.Recorder(
            RECORDING, __name__, parameters=_setting(data, recipe) | asdict(recipe), seeds=seeds, device=device
        )
    resumed = store and (CHECKPOINTS / "reslink.pt").exists()  # the wall time is then that of the last sitting
    students = {STUDENTS[0]: residual(data, recipe, device, store), **vanilla(data, recipe, device, store)}
    students[STUDENTS[3]] = three_block(data, recipe, device, store)
    if store:
        run.save(to_arrays(students), resumed=resumed)
    return students


@arguments(**_TRAINING)
def residual(data, recipe, device, store=False):
    """The Student with the identity link, one run for each start."""
    history = _descend(data, recipe, data.W_start, data.W_star, {"device": device}, store and "reslink")
    return _student(data, recipe, history, slice(None), data.W_star)


@arguments(**_TRAINING)
def vanilla(data, recipe, device, store=False):
    """The two Students without the link: runs from V_0 = the residual student's starts, for each reading."""
    n, identity = recipe.vanilla_runs, torch.eye(data.W_star.shape[0], dtype=data.W_star.dtype)
    start = data.W_start[torch.arange(n) % len(data.W_start)] - identity
    teachers = vanilla_teachers(data.W_star)
    kind = {"device": device, "dtype": torch.float32}
    history = _descend(data, recipe, start.repeat(2, 1, 1), teachers.repeat_interleave(n, 0), kind, store and "vanilla")
    runs = slice(0, n), slice(n, 2 * n)
    found = [_student(data, recipe, history, *pair) for pair in zip(runs, teachers, strict=True)]
    W = history.W.cpu().numpy()
    return {name: s._replace(W=W[r]) for name, s, r in zip(READINGS, found, runs, strict=True)}


@arguments(**_TRAINING)
def three_block(data, recipe, device, store=False):
    """The Student of three blocks, one run, with a three-block teacher normalised over the whole training set."""
    inputs, seen, test = (x.to(device, torch.float32) for x in (data.train, data.seen, data.test))
    teacher = networks.three_block_teacher(inputs, generator=torch.Generator().manual_seed(recipe.seed + 1))
    generator = torch.Generator().manual_seed(recipe.seed + 2)
    student = networks.ThreeBlock(inputs.shape[1], generator=generator).to(device)
    per_epoch = len(inputs) // recipe.batch
    step, errors = regression.fit(
        student,
        teacher,
        inputs,
        eta=recipe.eta,
        batch=recipe.batch,
        steps=recipe.block_epochs * per_epoch,
        generator=generator,
        record_at=_recorded_steps(per_epoch, recipe.block_epochs),
        evaluate={"train": seen, "test": test},
        checkpoint=CHECKPOINTS / "three_block.pt" if store else None,
    )
    with torch.no_grad():
        variance = float(teacher(test).var())
    curves = (errors[part].numpy()[:, None] for part in ("train", "test"))
    return Student((step / per_epoch).numpy(), *curves, variance)


@arguments(live=inputs.mapping(Student, *STUDENTS), data=Data, recipe=Recipe)
def recall(live, data, recipe):
    """(students, recording): those of data/recorded where it is of this setting, else `live` and None."""
    recording = recorded.load(RECORDING)
    if not _setting(data, recipe).items() <= recording.provenance["parameters"].items():
        return live, None
    return from_arrays(recording.arrays, {name: student.variance for name, student in live.items()}), recording


@arguments(students=inputs.mapping(Student, *STUDENTS))
def to_arrays(students):
    """The arrays of a recording; the two readings of the vanilla student share theirs, [K, 2, S] and [2, S, d, d]."""
    link, one, two, block = (students[name] for name in STUDENTS)
    curves = ("distance", "loss", "train", "test")
    arrays = {"epoch": link.epoch} | {f"reslink_{key}": getattr(link, key) for key in curves}
    arrays |= {f"vanilla_{key}": np.stack([getattr(one, key), getattr(two, key)], 1) for key in curves}
    arrays |= {"vanilla_W": np.stack([one.W, two.W]), "block_epoch": block.epoch}
    return arrays | {"block_train": block.train[:, 0], "block_test": block.test[:, 0]}


_CURVES = ("train", "test", "distance", "loss")
_ARRAYS = ("epoch", *(f"{kind}_{curve}" for kind in ("reslink", "vanilla") for curve in _CURVES))
_STORED = (*_ARRAYS, "vanilla_W", "block_epoch", "block_train", "block_test")


@arguments(arrays=inputs.mapping(np.ndarray, *_STORED), variance=inputs.mapping(check_positive, *STUDENTS))
def from_arrays(arrays, variance):
    """The students again; `variance` is each teacher's, by name."""

    def student(name, kind, reading=slice(None), **more):
        curves = {key: arrays[f"{kind}_{key}"][:, reading] for key in _CURVES}
        return Student(epoch=arrays["epoch"], variance=variance[name], **curves, **more)

    found = {STUDENTS[0]: student(STUDENTS[0], "reslink")}
    found |= {name: student(name, "vanilla", k, W=arrays["vanilla_W"][k]) for k, name in enumerate(READINGS)}
    errors = (arrays[f"block_{part}"][:, None] for part in ("train", "test"))
    return found | {STUDENTS[3]: Student(arrays["block_epoch"], *errors, variance[STUDENTS[3]])}


def _setting(data, recipe):
    """What a recording must share with a run to stand for it: all but the lengths of the runs."""
    sizes = {"d": len(data.W_star), "samples": len(data.train), "samples_test": len(data.test)}
    return sizes | {"batch": recipe.batch, "eta": recipe.eta, "seed": recipe.seed, "runs": len(data.W_start)}


def _descend(data, recipe, W_start, W_star, kind, name):
    """sgd.train of all runs at once; run k has seed k modulo the number of runs of one teacher."""
    per_epoch = len(data.train) // recipe.batch
    runs = len(W_start) if W_star.ndim == 2 else recipe.vanilla_runs
    return sgd.train(
        W_start.to(**kind),
        W_star.to(**kind),
        eta=recipe.eta,
        batch=recipe.batch,
        steps=recipe.epochs * per_epoch,
        seeds=[k % runs for k in range(len(W_start))],
        samples=data.train.to(**kind),
        record_at=_recorded_steps(per_epoch, recipe.epochs),
        evaluate={"train": data.seen.to(**kind), "test": data.test.to(**kind)},
        checkpoint=CHECKPOINTS / f"{name}.pt" if name else None,
    )


def _student(data, recipe, history, runs, W_star):
    """The Student of some of a History's runs; W_star [d, d] is their teacher in the model of equation 1."""
    epoch = (history.step / (len(data.train) // recipe.batch)).numpy()
    curves = (history.errors["train"], history.errors["test"], history.distance, history.loss)
    train, test, distance, loss = (curve[:, runs].numpy() for curve in curves)
    output = (data.test @ (W_star + torch.eye(len(W_star), dtype=W_star.dtype))).relu().sum(1)  # [m]
    return Student(epoch, train, test, float(output.var()), distance, loss)


def _recorded_steps(per_epoch, epochs):
    return sorted({round(per_epoch * epoch) for epoch in [*EPOCHS, epochs] if epoch <= epochs})
