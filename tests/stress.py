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
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import nbformat
import torch

from src.dynamics import sgd
from src.experiments import digit_pairs, downloads, networks, regression, spectral, training
from src.runs import checkpoints, recorded
from tests import bad_inputs
from tests.book import bad_parameters
from tools import commands

ROOMS = ("model", "dynamics", "theory", "experiments", "companions", "runs")
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


RUNS = {  # with the changes that make another run
    fresh_samples: ("eta", "batch", "seeds", "start", "teacher"),
    training_set: ("data",),
    three_blocks: ("data", "start", "eta", "order"),
    classifier: ("data", "start", "step", "order", "schedule", "augmentation"),
    digits: ("data", "seed", "margin"),
}


def fingerprint(run, path):
    """The SHA-256 of a run's result, every bit of it."""
    return checkpoints.digest(result=list(run(path)))


class Child:
    """A call in a process of its own, which says nothing on the terminal."""

    def __init__(self, function, *arguments):
        self.receiver, sender = FORK.Pipe(duplex=False)
        self.process = FORK.Process(target=self._work, args=(sender, function, arguments))
        self.process.start()
        sender.close()

    @staticmethod
    def _work(sender, function, arguments):
        warnings.simplefilter("ignore")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        try:
            sender.send(("done", function(*arguments)))
        except Exception as error:
            sender.send(("failed", f"{type(error).__name__}: {error}"))

    def kill_after(self, seconds):
        """Let it work for so long, then kill it, if it has not come to its end."""
        self.process.join(seconds)
        self.process.kill()
        self.wait()

    def wait(self):
        """("done", its result) or ("failed", the error) at its end, or None if it was killed."""
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
            whole[run] = Child(fingerprint, run, None).wait(), time.perf_counter() - began
        expected, seconds = whole[run]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.pt"
            for _ in range(dice.randint(1, 3)):
                Child(fingerprint, run, path).kill_after(dice.uniform(0.05, 1.2) * seconds)
            found = Child(fingerprint, run, path).wait()
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
                outcome = Child(fingerprint, partial(run, change=change), path).wait()
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
    expected = Child(fingerprint, fresh_samples, None).wait()
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.pt"
            children = [Child(fingerprint, fresh_samples, path)]
            time.sleep(dice.uniform(0, 0.2))
            children.append(Child(fingerprint, fresh_samples, path))
            for outcome in (child.wait() for child in children):
                told = outcome[0] == "failed" and "another process" in outcome[1]
                rows.append((told or outcome == expected, str(outcome)))
    return counted(rows)


@contextmanager
def small_disk(options):
    """A folder on a disk of its own, a tmpfs mounted with these options; None where the machine does not allow it."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", options, "none", folder]
        try:
            subprocess.run(mount, check=True, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            yield None
            return
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def full_disks():
    """Every kind of run on a full disk, or where files may not grow: it ends with its result, nothing is left."""
    rows = []
    for run in RUNS:
        whole = Child(fingerprint, run, None).wait()
        with small_disk("size=8k") as disk, tempfile.TemporaryDirectory() as folder:
            tried = [(on_a_full_disk, Path(folder)), *([(fingerprint, disk)] if disk else [])]
            for function, place in tried:
                outcome, left = Child(function, run, place / "run.pt").wait(), os.listdir(place)
                swept = not any(name.startswith(".") for name in left)
                rows.append((outcome == whole and swept, f"{run.__name__}: {outcome}, {left}"))
    return counted(rows)


def on_a_full_disk(run, path):
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))  # the trial fits, no checkpoint does
    return fingerprint(run, path)


def places_without_writing(runs=RUNS):
    """Places where nothing can be written: said before any work."""
    rows = []
    with small_disk("ro") as disk, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.touch()
        places = [file / "run.pt", Path(folder), Path("/proc/run.pt"), *([disk / "run.pt"] if disk else [])]
        for place in places:
            for run in runs:
                began = time.perf_counter()
                outcome = Child(fingerprint, run, place).wait()
                well = outcome[0] == "failed" and "ValueError: checkpoint must be" in outcome[1]
                rows.append((well and time.perf_counter() - began < 5, f"{run.__name__}, {place}: {outcome}"))
    return counted(rows)


TOC = """
root: chapters/index
parts:
  - chapters: [{file: chapters/01_one}, {file: chapters/02_two}]
"""
CLAIM = "[{id: a-claim, row: 1, place: p, statement: s, paper: p, chapter: 01_one}]"
SCRIPT = """# %% [markdown]
# # A chapter

# %% tags=["parameters"]
d: int = 5  # dimension

# %%
print(list(range(d)))
"""


class SmallBook:
    """A book of two chapters in `folder`, on which the commands of `tools` work; a site is the copy of its chapters."""

    def __init__(self, folder):
        self.folder, self.scripts = folder, [folder / "chapters" / f"{name}.py" for name in ("01_one", "02_two")]
        texts = {"_toc.yml": TOC, "chapters/claims.yml": CLAIM}
        texts |= dict.fromkeys(("_config.yml", "CITATION.cff", "CHANGELOG.md"), "title: small")
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        (folder / "data" / "recorded").mkdir(parents=True)
        for script in self.scripts:
            script.write_text(SCRIPT)

    def work(self, command):
        """Do a command on this book; for a child, as it changes where the commands look."""
        commands.ROOT, commands.CHAPTERS, commands.BUILD = self.folder, self.scripts[0].parent, self.folder / "_build"
        commands.render = lambda source: shutil.copytree(source / "chapters", source / "_build" / "html")
        if command == "refresh":
            commands.refresh(self.scripts[0])
        else:
            commands.build()

    def state(self):
        """What a reader would find: whether notebook and site are whole, and what else lies there."""
        html, stored = self.folder / "_build" / "book" / "_build" / "html", self.scripts[0].with_suffix(".ipynb")
        read = [*html.glob("*.ipynb"), *([stored] if stored.exists() else [])]
        whole = all(any(cell.get("outputs") for cell in nbformat.read(path, 4).cells) for path in read)
        odd = [p.name for p in self.folder.rglob("*") if p.name.endswith((".tmp", ".new", ".old", ".partial"))]
        return whole and (not html.exists() or len(list(html.glob("*.ipynb"))) == 2), odd


def killed_commands(count, seed=0):
    """refresh and build, killed at a random moment and done again: what is there is whole, and fresh at last."""
    dice, rows = random.Random(seed), []
    for k in range(count):
        command = ("refresh", "build")[k % 2]
        with tempfile.TemporaryDirectory() as folder:
            book = SmallBook(Path(folder))
            if command == "build":
                Child(book.work, "refresh").wait()
                shutil.copy(*(script.with_suffix(".ipynb") for script in book.scripts))
            Child(book.work, command).kill_after(dice.uniform(0.2, 5))
            between = book.state()[0]
            again, after = Child(book.work, command).wait(), book.state()
        well = between and again == ("done", None) and after == (True, [])
        rows.append((well, f"{command}: {between}, {again}, {after}"))
    return counted(rows)


def killed_downloads(count, seed=0):
    """Downloads, killed at a random moment: what has the final name is whole, and nothing lies beside it later."""
    dice, rows, content = random.Random(seed), [], random.Random(1).randbytes(2_000_000)

    class Slowly(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(ConnectionError):  # who asked was killed
                for start in range(0, len(content), 100_000):
                    self.wfile.write(content[start : start + 100_000])
                    time.sleep(0.02)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slowly)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/file"
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "file"
            Child(downloads.download, url, target, lambda path: None).kill_after(dice.uniform(0.05, 0.6))
            whole = not target.exists() or target.read_bytes() == content
            again = Child(downloads.download, url, target, lambda path: None).wait()
            left = os.listdir(folder)
            well = whole and again == ("done", None) and target.read_bytes() == content and left == ["file"]
        rows.append((well, f"{whole}, {again}, {left}"))
    server.shutdown()
    return counted(rows)


def bad_parameters_of_chapters(share=1.0):
    """Spoiled parameters of every chapter: refused with a sentence that names the parameter, or of use all the same."""
    found = bad_parameters.run(share)
    fine = [(True, "")] * (len(found.refused) + len(found.accepted))
    return counted(fine + [(False, str(case)) for case in (*found.unclear, *found.wrong)])


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
            "refresh and build, killed: what is there is whole, and fresh the next time": killed_commands(10),
            "downloads, killed: whole or not there, nothing left the next time": killed_downloads(20),
            "checkpoints of another run, refused": other_runs(*RUNS),
            "flipped bits in checkpoints and recordings, noticed": flips(80),
            "processes, two on one checkpoint, right or told": two_at_once(60),
            "runs on a full disk that kept their result and left nothing": full_disks(),
            "places without writing, named before any work": places_without_writing(),
            "bad inputs to public calls, refused clearly": bad_inputs_to_calls(),
            "bad parameters of chapters, refused clearly or of use": bad_parameters_of_chapters(),
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
