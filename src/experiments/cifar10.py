"""The files of CIFAR-10: fetched, read without trusting them, and verified by their content."""

import gzip
import hashlib
import tarfile
from pathlib import Path

import numpy as np
import pooch
import requests

from src.checks import arguments
from src.experiments import pickles
from src.experiments.downloads import download

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
MD5 = "c58f30108f718f92721af3b95e74349a"
FOLDER = "cifar-10-batches-py"
ARCHIVES = ("cifar-10-python.tar.gz", "cifar-10-python.tar")
BATCHES = {"train": [f"data_batch_{k}" for k in range(1, 6)], "test": ["test_batch"]}
NAMES = [name for names in BATCHES.values() for name in names]
DIGESTS = {  # of the images in any order, see `digest`
    "train": "55a61f79a40ece2ceda9fb5f9f7078f6ea2fc4952489cef56682bcf92cfcc260",
    "test": "325704b01eb92e1e2a6215ae6a916bb7db7de054af0c496be1c7be2e0fcfbf5f",
}
LARGEST = 31_100_000  # bytes of a batch, nothing larger is read; the official ones have up to 31,035,999
_ARRAYS = {"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "numpy.ndarray", "numpy.dtype"}


@arguments(folder=Path, variable=str)
def read(folder, variable):
    """{"train" or "test": (pixels uint8 [n, 3, 32, 32], labels uint8 [n])} from the six batch files.

    They are looked for in `folder`/cifar-10-batches-py, in `folder` itself, and in the archive in `folder`, which is
    read as it is; where none of this is there the archive is downloaded. `variable` is the environment variable that
    names the data folder, for messages. Nothing of a file is executed, and no more of it read than the official one
    has. Raises ValueError for files that are not the official ones (they are left alone), FileNotFoundError where files
    are missing and cannot be had, OSError where the folder cannot be read or written.
    """
    places = [p for p in (folder / FOLDER, folder) if any((p / name).exists() for name in NAMES)]
    archives = [folder / name for name in ARCHIVES if (folder / name).exists()]
    if not places and not archives:
        archives.append(_download(folder, variable))
    refused = []
    for place in places + archives:
        try:
            return _verified(place, _from_folder(place) if place in places else _from_archive(place))
        except (ValueError, FileNotFoundError) as error:
            refused.append(error)
    raise refused[0]


@arguments(pixels=np.ndarray, labels=np.ndarray)
def digest(pixels, labels):
    """SHA-256 over the sorted SHA-256 of label byte and pixel bytes of every image: the order does not count.

    pixels: uint8 [n, ...]; labels: integers [n] from 0 to 255.
    """
    if pixels.dtype != np.uint8 or not pixels.ndim:
        raise ValueError(f"pixels must be uint8 [n, ...], not {pixels.dtype} {list(pixels.shape)}")
    if labels.dtype.kind not in "iu" or labels.shape != pixels.shape[:1]:
        raise ValueError(f"labels must be integers [n] like pixels [n, ...], not {labels.dtype} {list(labels.shape)}")
    if labels.size and not 0 <= labels.min() <= labels.max() <= 255:
        raise ValueError(f"labels must be from 0 to 255; found {labels.min()} to {labels.max()}")
    rows = (hashlib.sha256(bytes([label]) + row.tobytes()).digest() for row, label in zip(pixels, labels.tolist()))
    return hashlib.sha256(b"".join(sorted(rows))).hexdigest()


def _verified(place, batches):
    """The two sets of these batches {name: (pixels [n, 3072], labels [n])} found in `place`."""
    sets = {}
    for split, names in BATCHES.items():
        pixels, labels = (np.concatenate(column) for column in zip(*(batches[name] for name in names), strict=True))
        found = digest(pixels, labels)
        if found != DIGESTS[split]:
            raise ValueError(
                f"{place} does not hold the official CIFAR-10: the {split} images ({', '.join(names)}) have the digest "
                f"{found}, not {DIGESTS[split]}; {_REPLACE}"
            )
        sets[split] = pixels.reshape(-1, 3, 32, 32), labels
    return sets


_REPLACE = "move it away and run again to download it, or copy the official one there. Nothing was changed."


def _complete(place, found):
    if missing := [name for name in NAMES if name not in found]:
        raise FileNotFoundError(f"{place} lacks {', '.join(missing)}: complete it, or move it away and run again")
    return found


def _from_folder(place):
    """{name: (pixels, labels)} of the files in a folder."""
    paths = _complete(place, {name: place / name for name in NAMES if (place / name).exists()})
    batches = {}
    for name, path in paths.items():
        if not path.is_file():
            raise ValueError(f"{path} is not a file; expected is a batch of CIFAR-10; {_REPLACE}")
        with path.open("rb") as file:
            batches[name] = _batch(path, file.read(LARGEST + 1))
    return batches


def _from_archive(path):
    """{name: (pixels, labels)} of the files in the archive, packed by gzip or not; it is not unpacked on the disk."""
    if not path.is_file():
        raise ValueError(f"{path} is not a file; expected is the archive of CIFAR-10; {_REPLACE}")
    batches = {}
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with (
            gzip.open(path) if packed else path.open("rb") as file,
            # as a stream: members are passed once, and `_Limited` bounds what a header can make tarfile read
            tarfile.open(fileobj=_Limited(file, (len(NAMES) + 1) * LARGEST), mode="r|") as tar,
        ):
            for member in tar:
                name = Path(member.name).name
                if name in NAMES and name not in batches and member.isreg():
                    batches[name] = _batch(f"{path}: {name}", tar.extractfile(member).read(LARGEST + 1))
    except PermissionError:
        raise
    except Exception as error:  # a damaged archive can raise nearly anything
        raise ValueError(
            f"{path} is not the archive of CIFAR-10 ({type(error).__name__}: {error}); {_REPLACE}"
        ) from error
    return _complete(path, batches)


class _Limited:
    """A file of which no more than `limit` bytes are read."""

    def __init__(self, file, limit):
        self.file, self.left = file, limit

    def read(self, size):
        content = self.file.read(size)
        self.left -= len(content)
        if self.left < 0:
            raise ValueError("it holds more than the official one")
        return content


def _batch(path, content):
    """(pixels uint8 [n, 3072], labels uint8 [n]) of one batch file's content."""
    try:
        if len(content) > LARGEST:
            raise ValueError(f"it has more than {LARGEST:,} bytes")
        said = pickles.said(content, _ARRAYS)
        pixels, labels = _array(said[b"data"]), said[b"labels"]
        if not all(type(label) is int and 0 <= label < 10 for label in labels):
            raise ValueError("its labels are not numbers from 0 to 9")
        if pixels.shape != (len(labels), 3072):
            raise ValueError(f"it has pixels {list(pixels.shape)} and {len(labels)} labels")
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ValueError(f"{path} is not a batch of CIFAR-10 ({type(error).__name__}: {error}); {_REPLACE}") from error
    return pixels, np.array(labels, np.uint8)


def _array(said):
    """The uint8 array of which the pickle says version, shape, type, whether in Fortran's order, and the bytes."""
    _, shape, dtype, fortran, content = said.state
    if dtype.arguments[0] not in ("u1", b"u1"):
        raise ValueError("its data are not an array of bytes")
    return np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran else "C")


def _download(folder, variable):
    """The path of the archive, downloaded into `folder`."""
    archive = folder / ARCHIVES[0]

    def verify(path):
        if (found := pooch.file_hash(path, "md5")) != MD5:
            raise ValueError(f"its MD5 is {found}, not {MD5}")

    try:
        download(URL, archive, verify)
    except (requests.RequestException, ValueError) as error:
        raise FileNotFoundError(
            f"CIFAR-10 is not in {folder} and {URL} did not give it ({error}). Two ways out:\n"
            "  1. connect to the network and run again;\n"
            f"  2. copy the archive {archive.name}, or the folder {FOLDER} that it holds, into {folder}, or set "
            f"{variable} to the folder that has it."
        ) from error
    except OSError as error:
        raise OSError(
            f"cannot write CIFAR-10 into {folder}: {error}. Set {variable} to a folder with 200 MB free that you may "
            "write to, or that has it"
        ) from error
    return archive
