"""A small data set that a block network learns at once, and the choices that fit it."""

import torch

from src.experiments import datasets
from src.experiments.zero_initialization import Choices

SMALL = Choices(step=0.3, batch=20)


def patterns(n=200, classes=4, seed=0):
    """Images of 6 x 6 pixels whose bright row and column are those of the class; class 1 is the most frequent."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.cat([torch.arange(n // 2) % classes, torch.ones(n - n // 2, dtype=torch.int64)])
    labels = labels[torch.randperm(n, generator=generator)]
    images = torch.randint(0, 120, (n, 6, 6), generator=generator)
    for image, label in zip(images, labels):
        image[label] += 120
        image[:, label] += 15
    images = images.to(torch.uint8)
    split = 3 * n // 4
    return datasets.Images("patterns", images[:split], labels[:split], images[split:], labels[split:])
