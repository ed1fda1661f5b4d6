"""Two-layer ReLU networks with an identity mapping: what the chapters of this book compute with."""

import os
import sys

# Threads that wait for each other do so asleep. By default they spin, and beside other work most of the time goes
# there. The OpenMP runtime reads this when torch loads it.
if "torch" not in sys.modules:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
