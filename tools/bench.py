"""How fast is it? `make bench` measures and stores the tables that the book's benchmark page shows.

Every ratio is taken between two pieces of work done in turn, several times: the median with the smallest and the
largest. Times depend on the machine; ratios much less. What is timed is in `tools.benchmarks.rows`.
"""

import os
import platform
import re
from datetime import UTC, datetime

import torch

from src.runs import files, recorded
from tools.benchmarks import rows, timing
from tools.benchmarks.timing import Spread, seconds

TABLE = recorded.FOLDER / "benchmarks.md"
UNITS = re.compile(r"(?<=\d) (?=(?:s|ms|µs)\b)")  # the spaces at which a line must not break
MOST = 3  # times its quiet time that a call may take beside busy processes


def duration(seconds):
    """In a unit that fits."""
    unit, factor = ("s", 1) if seconds >= 1 else ("ms", 1e3) if seconds >= 1e-3 else ("µs", 1e6)
    return f"{seconds * factor:.3g} {unit}" if seconds * factor < 1000 else f"{seconds * factor:,.0f} {unit}"


def line(row):
    """A Row as one of the table."""
    target = ""
    if row.target is not None:
        target = f"{'at most' if row.floor else 'at least'} {row.target:g}: {'met' if row.met else 'missed'}"
    ratio = f"{row.ratio} times {'it' if row.floor else 'faster'}"
    return f"| {row.what} | {duration(row.ours)} | {row.against} | {duration(row.other)} | {ratio} | {target} |"


def main_table(generator):
    """The lines of the table of rows."""
    yield "| what | the book | beside | it takes | the book is or takes | target |"
    yield "|---|---|---|---|---|---|"
    step = list(rows.one_step(generator))
    for part in (
        rows.five_seeds(generator), step, rows.exact_gradient(generator), rows.whole_flow(step[0].ours),
        rows.worst_pairs(generator), rows.digit_searches(), rows.residual_epoch(generator),
    ):  # fmt: skip
        yield from map(line, part)


def growth_table(generator):
    yield "| d | gradient, float64 | times its four products | SGD step, d / 5 inputs | times its two products |"
    yield "|---|---|---|---|---|"
    for d, gradient, over_four, step, over_two in rows.growth(generator):
        yield f"| {d} | {duration(gradient)} | {over_four} | {duration(step)} | {over_two} |"


def company_table(generator):
    yield "| runs at once | a step and run, d = 100, 200 fresh inputs |"
    yield "|---|---|"
    for runs, each in rows.company(generator):
        yield f"| {runs} | {duration(each.median)} ({duration(each.least)} – {duration(each.largest)}) |"


def company_of_others(generator, rounds=5):
    """The heavy calls, quiet and beside busy processes."""
    calls = rows.heavy_calls(generator)
    quiet = {what: Spread.of([seconds(work) for _ in range(rounds + 1)][1:]) for what, work in calls.items()}
    with timing.busy():
        beside = {what: Spread.of([seconds(work) for _ in range(rounds)]) for what, work in calls.items()}
    yield f"| what | quiet | beside {timing.BUSY} busy processes | ratio | at most {MOST} |"
    yield "|---|---|---|---|---|"
    for what, alone in quiet.items():
        ratio = beside[what].median / alone.median
        both = " | ".join(
            f"{duration(x.median)} ({duration(x.least)} – {duration(x.largest)})" for x in (alone, beside[what])
        )
        yield f"| {what} | {both} | {ratio:.3g} | {'met' if ratio <= MOST else 'missed'} |"


def main():
    generator, tables = torch.Generator().manual_seed(0), []
    for table in (main_table, growth_table, company_table, company_of_others):
        tables.append([])
        for text in table(generator):
            tables[-1].append(text)
            print(text, flush=True)
    store(tables)
    print(f"stored in {TABLE.relative_to(recorded.ROOT)}")


def store(tables):
    machine = f"{recorded.processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {platform.system()}"
    head = (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} on the CPU: {machine}; Python {platform.python_version()}, torch "
        f"{torch.__version__}, {timing.kernels()}."
    )
    text = "\n\n".join([head, *("\n".join(lines) for lines in tables)]) + "\n"
    files.write(TABLE, UNITS.sub("\u00a0", text).encode())


if __name__ == "__main__":
    main()
