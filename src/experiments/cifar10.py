"""The files of CIFAR-10: fetched, read without trusting them, and verified by their content."""

import hashlib
import os
import pickle
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pooch
import requests

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
MD5 = "c58f30108f718f92721af3b95e74349a"
FOLDER = "cifar-10-batches-py"
BATCHES = {"train": [f"data_batch_{k}" for k in range(1, 6)], "test": ["test_batch"]}
DIGESTS = {  # of the images in any order, see `digest`
    "train": "55a61f79a40ece2ceda9fb5f9f7078f6ea2fc4952489cef56682bcf92cfcc260",
    "test": "325704b01eb92e1e2a6215ae6a916bb7db7de054af0c496be1c7be2e0fcfbf5f",
}


def read(folder, variable):
    """{"train" or "test": (pixels uint8 [n, 3, 32, 32], labels uint8 [n])} from `folder`/cifar-10-batches-py.

    Downloads the archive where none of the six files is there. `variable` is the environment variable that names the
    data folder, for messages. Raises ValueError for a file that is not the official one (it is left alone),
    FileNotFoundError where files are missing and cannot be had, OSError where the folder cannot be written.
    """
    files = {split: [folder / FOLDER / name for name in names] for split, names in BATCHES.items()}
    missing = [path.name for paths in files.values() for path in paths if not path.exists()]
    if len(missing) == 6:
        _download(folder, variable)
    elif missing:
        raise FileNotFoundError(
            f"{folder / FOLDER} lacks {', '.join(missing)}: complete it, or move it away and run again"
        )
    return {split: _verified(split, paths) for split, paths in files.items()}


def digest(pixels, labels):
    """SHA-256 over the sorted SHA-256 of label byte and pixel bytes of every image: the order does not count."""
    rows = (hashlib.sha256(bytes([label]) + row.tobytes()).digest() for row, label in zip(pixels, labels.tolist()))
    return hashlib.sha256(b"".join(sorted(rows))).hexdigest()


def _verified(split, paths):
    parts = [_batch(path) for path in paths]
    pixels, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    found = digest(pixels, labels)
    if found != DIGESTS[split]:
        names = ", ".join(path.name for path in paths)
        raise ValueError(
            f"{paths[0].parent} does not hold the official CIFAR-10: the {split} images ({names}) have the digest "
            f"{found}, not {DIGESTS[split]}; {_REPLACE}"
        )
    return pixels.reshape(-1, 3, 32, 32), labels


_REPLACE = "move it away and run again to download it, or copy the official one there. Nothing was changed."


def _batch(path):
    """(pixels uint8 [n, 3072], labels uint8 [n]) of one batch file."""
    try:
        with path.open("rb") as file:
            content = _ArrayUnpickler(file, encoding="bytes").load()
        pixels, labels = content[b"data"], np.array(content[b"labels"], np.uint8)
        if pixels.dtype != np.uint8 or pixels.shape != (len(labels), 3072) or labels.ndim != 1:
            raise ValueError(f"its arrays are {pixels.dtype} {pixels.shape} and {labels.shape}")
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ValueError(f"{path} is not a batch of CIFAR-10 ({type(error).__name__}: {error}); {_REPLACE}") from error
    return pixels, labels


class _ArrayUnpickler(pickle.Unpickler):
    """Builds arrays, lists, dicts, bytes and numbers; a pickle that asks for anything else is refused.

    An ordinary unpickler runs whatever code the file names.
    """

    _ALLOWED = {  # noqa: RUF012
        ("numpy.core.multiarray", "_reconstruct"): lambda *_: np.ndarray(0, np.uint8),
        ("numpy._core.multiarray", "_reconstruct"): lambda *_: np.ndarray(0, np.uint8),
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module, name):
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no file of CIFAR-10 needs")
        return self._ALLOWED[module, name]


def _download(folder, variable):
    """Put the archive into `folder`, unless it is there, and unpack it."""
    archive = folder / Path(URL).name
    if archive.exists() and (found := pooch.file_hash(archive, "md5")) != MD5:
        raise ValueError(f"{archive} is not the official archive: its MD5 is {found}, not {MD5}; {_REPLACE}")
    try:
        # pooch downloads beside the target, verifies, and only then moves it to its name
        fetch = pooch.HTTPDownloader(progressbar=True, timeout=30)
        pooch.retrieve(URL, f"md5:{MD5}", path=folder, fname=archive.name, downloader=fetch)
        with tempfile.TemporaryDirectory(dir=folder) as partial:
            with tarfile.open(archive) as tar:
                tar.extractall(partial, filter="data")
            os.replace(Path(partial) / FOLDER, folder / FOLDER)
    except (requests.RequestException, ValueError) as error:
        raise FileNotFoundError(
            f"CIFAR-10 is not in {folder} and {URL} did not give it ({error}). Two ways out:\n"
            "  1. connect to the network and run again;\n"
            f"  2. copy the archive {archive.name}, or the folder {FOLDER} that it holds, into {folder}, or set "
            f"{variable} to the folder that has it."
        ) from error
    except OSError as error:
        raise OSError(
            f"cannot write CIFAR-10 into {folder}: {error}. Set {variable} to a folder with 400 MB free that you may "
            "write to"
        ) from error
