"""What goes wrong on people's machines, on purpose: kills, full disks, damaged files, two runs at once, bad inputs.

    python -m tests.stress

takes some minutes, prints one line of figures and writes data/recorded/stress.md, which the page "What was tried"
shows. `make test` does a tenth of it.
"""

import importlib
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from src.dynamics import sgd
from src.experiments import digit_pairs, networks, regression, spectral, training
from src.runs import checkpoints, recorded
from src.theory import how_far, phase_two
from tests import bad_inputs

ROOMS = ("model", "dynamics", "theory", "experiments", "runs")
FORK = multiprocessing.get_context("fork")  # a child has torch already


def generator(seed):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed))


def calls(room):
    """The public calls of a room of `src`."""
    return importlib.import_module(f"tests.{room}.calls").CALLS


# Kinds of runs, each with many checkpoints: the result as tensors. `change` makes another run of the same kind.


def fresh_samples(path, change=None):
    options = {"eta": 1e-3, "batch": 20, "steps": 2000, "seeds": [0, 1]} | {
        None: {}, "eta": {"eta": 2e-3}, "batch": {"batch": 21}, "seeds": {"seeds": [0, 2]}, "start": {}, "teacher": {},
    }[change]  # fmt: skip
    W0, W_star = 0.1 * normal(8, 8, seed=int(change == "start")), 0.1 * normal(8, 8, seed=2 + int(change == "teacher"))
    history = sgd.train(W0, W_star, record_at=range(0, 2001, 100), checkpoint=path, **options)
    return history.W, history.loss


def training_set(path, change=None):
    samples, test = normal(400, 8, seed=int(change == "data")), {"test": normal(50, 8, seed=9)}
    history = sgd.train(
        0.1 * normal(8, 8, seed=1), 0.1 * normal(8, 8, seed=2), eta=1e-3, batch=20, steps=2000, seeds=[0, 1],
        samples=samples, evaluate=test, record_at=range(0, 2001, 100), checkpoint=path,
    )  # fmt: skip
    return history.W, history.loss, history.errors["test"]


def three_blocks(path, change=None):
    x = normal(200, 6, seed=int(change == "data"))
    student = networks.ThreeBlock(6, 8, generator=generator(int(change == "start")))
    _, errors = regression.fit(
        student, networks.three_block_teacher(x, generator=generator(1)), x, eta=2e-3 if change == "eta" else 1e-3,
        batch=20, steps=200, generator=generator(5 + int(change == "order")), record_at=range(0, 201, 10),
        evaluate={"test": normal(50, 6, seed=9)}, checkpoint=path,
    )  # fmt: skip
    return errors["test"], *student.state_dict().values()


def noisy(x, generator, size):
    return x + size * torch.randn(x.shape, generator=generator)


def classifier(path, change=None):
    x, y = normal(200, 6, seed=int(change == "data")), torch.arange(200) % 3
    model = networks.BlockMLP(6, 3, generator(int(change == "start")))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2 if change == "step" else 0.1, momentum=0.9)
    record = training.train(
        model, x, y, optimizer=optimizer, epochs=20, batch=20, seed=int(change == "order"), evaluate={"test": (x, y)},
        scheduler=torch.optim.lr_scheduler.StepLR(optimizer, 30 if change == "schedule" else 50),
        augment=partial(noisy, size=0.2 if change == "augmentation" else 0.1), checkpoint=path,
    )  # fmt: skip
    return record.loss, record.errors["test"], *model.state_dict().values()


def digits(path, change=None):
    x, y = normal(300, 9, seed=int(change == "data")).abs(), torch.arange(300) % 5
    pairs, margin = [(i, j) for j in range(5) for i in range(j)], 0.3 if change == "margin" else 0.2
    found = digit_pairs.every_error(
        spectral.frank_wolfe, ((x, y), (x + 0.1, y)), pairs, int(change == "seed"),
        radii=[0.3, 0.6], steps=2, batch=20, loss="logistic", margin=margin, checkpoint=path,
    )  # fmt: skip
    return [torch.from_numpy(found[name]) for name in ("train", "test", "norm")]


def distant_starts(path, change=None):
    gammas = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8 if change != "gammas" else 0.9]
    size = {"dims": [5], "gammas": gammas, "runs": 3, "t_end": 21.0 if change == "time" else 20.0}
    made = how_far.make_map(
        **size, search_starts=2, search_steps=3, generator=generator(int(change == "seed")), checkpoint=path
    )
    return torch.from_numpy(made.outcomes), torch.from_numpy(made.first_ratio)


def worst_pairs(path, change=None):
    made = phase_two.run_searches(
        [3, 4, 5 if change != "dims" else 6], [0.1, 0.2, 0.3, 0.4], 4, 6 if change == "steps" else 5,
        int(change == "seed"), checkpoint=path,
    )  # fmt: skip
    return [torch.from_numpy(made.values), *map(torch.from_numpy, made.pairs)]


RUNS = {  # with the changes that make another run
    fresh_samples: ("eta", "batch", "seeds", "start", "teacher"),
    training_set: ("data",),
    three_blocks: ("data", "start", "eta", "order"),
    classifier: ("data", "start", "step", "order", "schedule", "augmentation"),
    digits: ("data", "seed", "margin"),
    distant_starts: ("gammas", "time", "seed"),
    worst_pairs: ("dims", "steps", "seed"),
}


def fingerprint(run, path):
    """The SHA-256 of a run's result, every bit of it."""
    return checkpoints.digest(result=list(run(path)))


class Child:
    """A call in a process of its own: `outcome` is ("done", its result), ("failed", the error), or None if killed."""

    def __init__(self, function, *arguments):
        self.receiver, sender = FORK.Pipe(duplex=False)
        self.process = FORK.Process(target=self._work, args=(sender, function, arguments))
        self.process.start()
        sender.close()

    @staticmethod
    def _work(sender, function, arguments):
        warnings.simplefilter("ignore")
        try:
            sender.send(("done", function(*arguments)))
        except Exception as error:
            sender.send(("failed", f"{type(error).__name__}: {error}"))

    def kill_after(self, seconds):
        self.process.join(seconds)
        self.process.kill()

    @property
    def outcome(self):
        try:
            found = self.receiver.recv()
        except EOFError:
            found = None
        self.process.join()
        return found


@contextmanager
def eager():
    """Within it every run keeps its state as often as it can."""
    before, checkpoints._SECONDS = checkpoints._SECONDS, -1
    weight = torch.zeros(1, requires_grad=True)
    weight.grad = torch.zeros(1)
    torch.optim.SGD([weight], 0.1).step()  # its first step imports for seconds, which no child need do again
    try:
        yield
    finally:
        checkpoints._SECONDS = before


class Count(NamedTuple):
    """How many were tried and how many went as they should, with a word on each that did not."""

    tried: int
    well: int
    bad: list


def counted(rows):
    """The Count of (whether it went well, what to say if not)."""
    rows = list(rows)
    return Count(len(rows), sum(well for well, _ in rows), [text for well, text in rows if not well])


def kills(count, seed=0):
    """Runs that are killed up to three times, at random moments, and then go on to the end: (bitwise equal, swept)."""
    dice, whole, equal, swept = random.Random(seed), {}, [], []
    for k in range(count):
        run = list(RUNS)[k % len(RUNS)]
        if run not in whole:
            began = time.perf_counter()
            whole[run] = Child(fingerprint, run, None).outcome, time.perf_counter() - began
        expected, seconds = whole[run]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.pt"
            for _ in range(dice.randint(1, 3)):
                child = Child(fingerprint, run, path)
                child.kill_after(dice.uniform(0.05, 1.2) * seconds)
                child.outcome  # noqa: B018 - waits for its end
            found = Child(fingerprint, run, path).outcome
            left = sorted(p.name for p in Path(folder).iterdir())
        equal.append((found == expected, f"{run.__name__}: {found} in place of {expected}"))
        swept.append((left == ["run.pt"], f"{run.__name__}: {left}"))
    return counted(equal), counted(swept)


def other_runs(*runs):
    """Checkpoints of these runs, offered to one that differs in one thing: refused."""
    rows = []
    for run in runs:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.pt"
            fingerprint(run, path)
            for change in RUNS[run]:
                outcome = Child(fingerprint, partial(run, change=change), path).outcome
                refused = outcome[0] == "failed" and "checkpoint must belong to this run" in outcome[1]
                rows.append((refused, f"{run.__name__}, other {change}: {outcome}"))
    return counted(rows)


def flips(count, seed=0):
    """Checkpoints and recordings with one flipped bit: refused, or (a recording) unchanged in content."""
    dice, rows = random.Random(seed), []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.pt"
        for run in RUNS:
            fingerprint(run, path)
            content = path.read_bytes()
            for _ in range(-(-count // (2 * len(RUNS)))):
                path.write_bytes(flipped(content, dice))
                rows.append(refused(run.__name__, fingerprint, run, path))
            path.unlink()
        names = sorted(p.stem for p in recorded.FOLDER.glob("*.npz"))
        for _ in range(count - len(rows)):
            name = dice.choice(names)
            content = (recorded.FOLDER / f"{name}.npz").read_bytes()
            (Path(folder) / f"{name}.npz").write_bytes(flipped(content, dice))
            rows.append(refused(name, same_recording, name, folder))
    return counted(rows)


def flipped(content, dice):
    spoiled, k = bytearray(content), dice.randrange(8 * len(content))
    spoiled[k // 8] ^= 1 << (k % 8)
    return bytes(spoiled)


def same_recording(name, folder):
    """Load it; ValueError where it holds what the book's own does: nothing was spoiled (a date in the archive)."""
    spoiled, own = recorded.load(name, folder), recorded.load(name)
    same = spoiled.provenance == own.provenance and all(
        (spoiled.arrays[key] == value).all() for key, value in own.arrays.items() if value.dtype.kind != "f"
    )
    if same and spoiled.arrays.keys() == own.arrays.keys():
        raise ValueError("nothing is spoiled")


def refused(what, function, *arguments):
    try:
        function(*arguments)
    except ValueError as error:
        return True, str(error)
    except Exception as error:
        return False, f"{what}: {type(error).__name__}: {error}"
    return False, f"{what}: accepted"


def two_at_once(count, seed=0):
    """Two processes on one checkpoint: each ends with the right result or is told of the other."""
    dice, rows = random.Random(seed), []
    expected = Child(fingerprint, fresh_samples, None).outcome
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.pt"
            children = [Child(fingerprint, fresh_samples, path)]
            time.sleep(dice.uniform(0, 0.2))
            children.append(Child(fingerprint, fresh_samples, path))
            for outcome in (child.outcome for child in children):
                told = outcome[0] == "failed" and "another process" in outcome[1]
                rows.append((told or outcome == expected, str(outcome)))
    return counted(rows)


def full_disks():
    """Every kind of run where files may not grow beyond a few bytes: the run ends with its result, nothing is left."""
    rows = []
    for run in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            outcome = Child(on_a_full_disk, run, Path(folder) / "run.pt").outcome
            left = os.listdir(folder)
            whole = Child(fingerprint, run, None).outcome
            swept = not any(name.startswith(".") for name in left)
            rows.append((outcome == whole and swept, f"{run.__name__}: {outcome}, {left}"))
    return counted(rows)


def on_a_full_disk(run, path):
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))  # the trial fits, no checkpoint does
    return fingerprint(run, path)


def places_without_writing(runs=RUNS):
    """Places where nothing can be written: said before any work."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.touch()
        for place in (file / "run.pt", Path(folder), Path("/proc/run.pt"), Path("/proc/no/run.pt")):
            for run in runs:
                began = time.perf_counter()
                outcome = Child(fingerprint, run, place).outcome
                well = outcome[0] == "failed" and "ValueError: checkpoint must be" in outcome[1]
                rows.append((well and time.perf_counter() - began < 5, f"{run.__name__}, {place}: {outcome}"))
    return counted(rows)


def bad_inputs_to_calls(every=1):
    """Spoiled arguments of every public call: refused with a sentence that names the argument."""
    rows = [row for room in ROOMS for row in bad_inputs.tried(calls(room), every)]
    return counted((row[3] == bad_inputs.Outcome.CLEAR, " ".join(map(str, row))) for row in rows)


def everything():
    """{what was tried: Count}, all of it."""
    with eager():
        equal, swept = kills(50)
        return {
            "killed runs that ended with the undisturbed result, bit for bit": equal,
            "killed runs that left no temporary file": swept,
            "checkpoints of another run, refused": other_runs(*RUNS),
            "flipped bits in checkpoints and recordings, noticed": flips(80),
            "processes, two on one checkpoint, right or told": two_at_once(60),
            "runs on a full disk that kept their result and left nothing": full_disks(),
            "places without writing, named before any work": places_without_writing(),
            "bad inputs to public calls, refused clearly": bad_inputs_to_calls(),
        }


def main():
    torch.set_num_threads(1)
    began = time.perf_counter()
    found = everything()
    for what, count in found.items():
        for text in count.bad[:20]:
            print(f"{what}: {text}"[:300])
    table = "\n".join(f"| {what} | {count.tried:,} | {count.well:,} |" for what, count in found.items())
    commit, dirty = recorded.revision().values()
    (recorded.FOLDER / "stress.md").write_text(
        f"Tried on {time.strftime('%Y-%m-%d')}, commit {commit[:7]}{' with local changes' if dirty else ''}, "
        f"on {recorded.processor()}, {(time.perf_counter() - began) / 60:.0f} minutes.\n\n"
        f"| what | tried | went well |\n|---|---|---|\n{table}\n"
    )
    print("; ".join(f"{what} {count.well} of {count.tried}" for what, count in found.items()))
    sys.exit(any(count.bad for count in found.values()))


if __name__ == "__main__":
    main()
