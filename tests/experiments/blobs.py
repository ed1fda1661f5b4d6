"""Two sets whose classes a W of norm 0.6 tells apart, and settings that find it; they stand in for digits."""

import torch

from src.experiments import digit_pairs, spectral

SETTINGS = {"radii": [0.6], "steps": 3, "batch": 60, "loss": "logistic", "margin": 0.5}


def blobs(n=240, d=12, classes=4, seed=0):
    """Inputs [n, d] whose classes differ in direction and little in their sum of positive entries, and labels [n]."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    x = torch.randn(n, d, dtype=torch.float64, generator=generator)
    for label in range(classes):
        width = d // classes
        x[labels == label, width * label : width * (label + 1)] += 1.6 + 0.05 * label
    return x, labels


def sets(n=240):
    """A training and a test set."""
    return blobs(n), blobs(n, seed=1)


def live(pairs=((0, 1), (2, 3)), n=240, **changes):
    """What `digit_pairs.every` makes of them by conditional gradient."""
    return digit_pairs.every(spectral.frank_wolfe, sets(n), list(pairs), 0, **(SETTINGS | changes))
