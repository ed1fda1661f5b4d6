"""Run chapters.

``refresh [NN ...]`` executes the .py of those chapters whose inputs have changed and stores their outputs, ``build``
makes the whole book in _build/book, ``run NN name=value ...`` is one run with other parameters, ``compare FILE`` puts
the verdicts of a notebook that papermill executed beside the book's, ``site`` renders what is stored, ``notebooks``
lists the chapters' notebooks.
"""

import os
import signal
import sys
from pathlib import Path


def end(number, _):
    """Ctrl-C and `kill` end the program in one line, with the shell's exit codes 130 and 143."""
    print("\ninterrupted", file=sys.stderr, flush=True)
    sys.exit(128 + number)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this folder's own code, wherever it is called from
    try:
        from tools import commands

        commands.main(__doc__)
        code = 0
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        code = 1
    except SystemExit as stop:
        code = int(stop.code or 0)
    sys.stdout.flush()
    os._exit(code)  # without nbclient's exit handlers, which would wait for a kernel that was ended
