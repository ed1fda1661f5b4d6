"""What the commands of the Makefile call."""

import src  # noqa: F401  # before torch is loaded: it says how threads are to wait
