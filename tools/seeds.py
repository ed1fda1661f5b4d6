"""Every chapter at smoke scale with ten seeds: which verdicts depend on the seed, and what a chapter costs there.

    python -m tools.seeds          # all of it; it goes on where it was stopped
    python -m tools.seeds 07 15    # some chapters, the others as they are recorded
    python -m tools.seeds costs    # what a run costs, alone; it wants a quiet machine

The result is data/recorded/seeds.json, from which the ledger and the page "What ran where" take what they say.
"""

import functools
import hashlib
import json
import sys
from collections import Counter
from datetime import UTC, datetime

from src.runs import files, recorded, sweeps
from tools import chapters, kernels, sweeping

SEEDS = range(10)
FILE = recorded.FOLDER / "seeds.json"


def tried(script):
    """The chapter's points, one a seed."""
    belongs = sweeping.belongs(script, smoke=True)
    digest = hashlib.sha256(json.dumps(belongs).encode()).hexdigest()[:8]
    point = functools.partial(sweeping.chapter_point, chapter=script.stem, smoke=True)
    folder = sweeping.FOLDER / "seeds" / f"{script.stem}-{digest}"
    return sweeps.sweep(point, {"seed": SEEDS}, folder, belongs=belongs, progress=True, again=True)


def counted(points):
    """{"failed", "claims": {id: {verdict: times}}} of a chapter's points."""
    done = [point.value for point in points if not point.error]
    times = {}
    for value in done:
        for id, report in value["claims"].items():
            times.setdefault(id, Counter())[report["verdict"]] += 1
    return {
        "failed": sorted({point.error for point in points if point.error}),
        "claims": {id: dict(counter.most_common()) for id, counter in times.items()},
    }


def alone(script):
    """{"seconds", "memory"} of a run at smoke scale with nothing of ours beside it."""
    found = sweeping.chapter_point(script.stem, smoke=True)
    return {name: found[name] for name in ("seconds", "memory")}


def main(arguments):
    """Record the chapters that are named, or all; or with "costs" what one run of each costs."""
    kernels.own_environment()
    found = json.loads(FILE.read_text(encoding="utf-8"))["chapters"] if arguments and FILE.exists() else {}
    for script in chapters.select([] if arguments == ["costs"] else arguments, chapters.scripts()):
        if arguments != ["costs"]:
            about = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "processor": recorded.processor()}
            found[script.stem] = about | recorded.revision() | counted(tried(script))
            moving = [id for id, times in found[script.stem]["claims"].items() if len(times) > 1]
            print(script.stem, "depends on the seed:", ", ".join(moving) or "nothing", *found[script.stem]["failed"])
        found[script.stem] |= alone(script)
    about = {"seeds": list(SEEDS), "chapters": dict(sorted(found.items()))}
    files.write(FILE, (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    main(sys.argv[1:])
