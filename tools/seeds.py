"""Every chapter at smoke scale with ten seeds: which verdicts depend on the seed, and what a chapter costs there.

    python -m tools.seeds

It goes on where it was stopped. The result is data/recorded/seeds.json, from which the ledger and the page "What ran
where" take what they say.
"""

import functools
import json
import statistics
from collections import Counter
from datetime import UTC, datetime

from src.runs import files, recorded, sweeps
from tools import chapters, inputs, kernels, sweeping

SEEDS = range(10)
FILE = recorded.FOLDER / "seeds.json"


def tried(script):
    """The chapter's points, one a seed."""
    belongs = inputs.of(script)
    folder = sweeping.FOLDER / "seeds" / f"{script.stem}-{belongs['text'][:4]}{belongs['code'][:4]}"
    point = functools.partial(sweeping.chapter_point, chapter=script.stem, smoke=True)
    return sweeps.sweep(point, {"seed": SEEDS}, folder, belongs=belongs, progress=True)


def counted(points):
    """{"seconds", "memory", "failed", "claims": {id: {verdict: times}}} of a chapter's points."""
    done = [point.value for point in points if not point.error]
    times = {}
    for value in done:
        for id, report in value["claims"].items():
            times.setdefault(id, Counter())[report["verdict"]] += 1
    return {
        "seconds": statistics.median(value["seconds"] for value in done) if done else None,
        "memory": max((value["memory"] or 0 for value in done), default=None),
        "failed": sorted({point.error for point in points if point.error}),
        "claims": {id: dict(counter.most_common()) for id, counter in times.items()},
    }


def main():
    kernels.own_environment()
    found = {}
    for script in chapters.scripts():
        found[script.stem] = counted(tried(script))
        moving = [id for id, times in found[script.stem]["claims"].items() if len(times) > 1]
        print(script.stem, "depends on the seed:", ", ".join(moving) or "nothing", *found[script.stem]["failed"])
    about = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "processor": recorded.processor()}
    about |= recorded.revision() | {"seeds": list(SEEDS), "chapters": found}
    files.write(FILE, (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    main()
