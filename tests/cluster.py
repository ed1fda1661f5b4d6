"""A sweep on a Dask cluster of this machine: what a worker's end costs, and what a second worker gains.

    python -m tests.cluster

starts a scheduler and workers as processes on the loopback address, sweeps a thousand points of the one-point ratio of
Theorem 3.3, prints what it found and writes data/recorded/sweeps.md, which the page on sweeps shows. It wants a quiet
machine.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from src.runs import files, recorded, sweeps
from tests.runs import swept

ROOT = Path(__file__).resolve().parents[1]
FILE = recorded.FOLDER / "sweeps.md"
GRID = {"gamma": [0.01, 0.1], "seed": range(500)}


class Cluster:
    """`python -m dask scheduler`, and workers, with this folder's code; processes of ours, ended with the block."""

    def __init__(self, folder, workers=2):
        self.file, self.count, self.killed, self.processes = Path(folder) / "scheduler.json", workers, False, []

    def __enter__(self):
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not self.file.exists():
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]
        for _ in range(self.count):
            self.start("worker", "--nthreads", "1", "--no-nanny")
        self.wait(self.count)
        return self

    def start(self, *what):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": ROOT}
        here = ["--scheduler-file", str(self.file), "--no-dashboard"]
        self.processes.append(subprocess.Popen([sys.executable, "-m", "dask", *what, *here], **quiet))

    def wait(self, workers):
        import distributed  # in the extra requirements-cluster.txt

        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60) if workers else None

    def kill_one(self, journal, after=10, replace=False):
        """Once the journal holds some points; replace: start another worker."""
        while not journal.exists() or journal.read_bytes().count(b"\n") < after:
            time.sleep(0.01)
        self.processes[-1].kill()
        self.killed = True
        if replace:
            self.start("worker", "--nthreads", "1", "--no-nanny")

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


def timed(folder, workers, grid, kill=False):
    """(values, seconds, lines of the journal) of the sweep on a cluster of so many workers, one killed on the way."""
    folder.mkdir()
    with Cluster(folder, workers) as cluster:
        sweeps.sweep(swept.ratio, {"gamma": [1.0], "seed": range(4 * workers)}, scheduler=cluster.address)  # imports
        journal = folder / sweeps.FILE
        if kill:
            half = len(grid["gamma"]) * len(grid["seed"]) // 2
            threading.Thread(target=cluster.kill_one, args=(journal, half, True), daemon=True).start()
        begun = time.perf_counter()
        points = sweeps.sweep(swept.ratio, grid, folder, scheduler=cluster.address)
        seconds = time.perf_counter() - begun
        assert cluster.killed == kill
    return [(point.value, point.error) for point in points], seconds, journal.read_text().splitlines()[1:]


def everything(grid=GRID):
    """Rows (what, figure) of the table."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        here = sweeps.sweep(swept.ratio, grid)
        values = [(point.value, point.error) for point in here]
        one, seconds_one, _ = timed(folder / "one", 1, grid)
        two, seconds_two, lines = timed(folder / "two", 2, grid)
        killed, _, journal = timed(folder / "killed", 2, grid, kill=True)
        keys = [json.loads(line.split(" ", 1)[1])["key"] for line in journal]
    work = sum(point.seconds for point in here)
    same_killed = sum(a == b for a, b in zip(values, killed, strict=True))
    same = sum(a == b == c for a, b, c in zip(values, one, two, strict=True))
    return [
        ("points of the sweep", f"{len(here):,}"),
        ("one worker killed half-way and replaced: points there once", f"{len(set(keys)):,} of {len(keys):,}"),
        ("points equal to those of the local sweep, to the last bit", f"{same_killed:,}"),
        ("the same without a kill, two workers and one", f"{same:,}"),
        ("a point, in its worker", f"{1e3 * work / len(here):.3g} ms"),
        ("one worker", f"{seconds_one:.3g} s"),
        ("two workers", f"{seconds_two:.3g} s"),
        ("two workers over one", f"{seconds_one / seconds_two:.3g}"),
        ("written to the journal, a point", f"{sum(map(len, lines)) / len(lines):.0f} bytes"),
    ]


def main():
    load = os.getloadavg()[0]
    rows = everything()
    about = recorded.revision()
    commit = about["commit"][:7] + (" with local changes" if about["dirty"] else "")
    head = (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, commit {commit}, on {recorded.processor()}, {os.cpu_count()} cores "
        f"with a load of {load:.1f} before it began; Dask {version('distributed')}, Python {sys.version.split()[0]}."
    )
    table = "\n".join(f"| {what} | {figure} |" for what, figure in rows)
    text = f"{head}\n\n| what | figure |\n|---|---|\n{table}\n"
    print(text)
    files.write(FILE, text.encode())


if __name__ == "__main__":
    main()
