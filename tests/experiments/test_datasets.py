"""MNIST: verified, downloaded whole or not at all, and never replaced. The mirror is a server of this machine."""

import gzip
import hashlib
import http.server
import os
import struct
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pooch
import pytest
import torch
from filelock import FileLock

from src.experiments import datasets


@pytest.fixture
def official(monkeypatch):
    """Four small IDX files in place of the official ones: their contents by name."""
    rng = np.random.default_rng(0)
    contents = {}
    for name in datasets.MNIST_FILES:
        n = 12 if name.startswith("train") else 5
        if "images" in name:
            body = rng.integers(0, 256, n * 784, dtype=np.uint8).tobytes()
            contents[name] = struct.pack(">4B3I", 0, 0, 8, 3, n, 28, 28) + body
        else:
            contents[name] = struct.pack(">4BI", 0, 0, 8, 1, n) + bytes(k % 10 for k in range(n))
    monkeypatch.setattr(datasets, "MNIST_FILES", {k: hashlib.sha256(v).hexdigest() for k, v in contents.items()})
    monkeypatch.setattr(datasets, "MNIST_MIRRORS", ())
    return contents


@pytest.fixture
def mirror(official, monkeypatch):
    """A mirror that serves `mirror.files` (bytes by file name) and counts its requests in `mirror.asked`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.rsplit("/", 1)[-1]
            server.asked.append(name)
            body = server.files.get(name)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"") + server.promised_too_much))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.promised_too_much = [], 0
    server.files = {f"{name}.gz": gzip.compress(content) for name, content in official.items()}
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}/mnist/"
    monkeypatch.setattr(datasets, "MNIST_MIRRORS", (server.url,))
    yield server
    server.shutdown()
    server.server_close()


def lay_out(folder, contents, packed=True):
    (folder / "mnist").mkdir()
    for name, content in contents.items():
        path = folder / "mnist" / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    return folder / "mnist"


def dots(name):
    return name.replace("-idx", ".idx")


def zipped(content):
    return gzip.compress(content)


@pytest.mark.parametrize("place", ["mnist", "MNIST/raw", "MNIST", "raw", ""])
@pytest.mark.parametrize(
    "named, held",
    [
        (lambda name: name, zipped),  # packed, whatever the name says
        (lambda name: f"{name}.gz", bytes),
        (dots, bytes),
        (lambda name: f"{dots(name)}.gz", zipped),
    ],
)
def test_the_content_counts_and_not_the_name(official, tmp_path, place, named, held):
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    for name, content in official.items():
        (tmp_path / place / named(name)).write_bytes(held(content))
    assert len(datasets.mnist("full", folder=str(tmp_path)).train_images) == 12


def test_a_good_file_is_found_beside_a_bad_one(official, tmp_path):
    folder = lay_out(tmp_path, official)
    (folder / "train-images-idx3-ubyte").write_bytes(b"unpacked in part")
    truncate(folder, "train-labels-idx1-ubyte")
    (folder / "train-labels.idx1-ubyte").write_bytes(official["train-labels-idx1-ubyte"])
    assert len(datasets.mnist("full", folder=tmp_path).train_images) == 12


def files(folder):
    return sorted(p.name for p in (folder / "mnist").glob("*")) if (folder / "mnist").exists() else []


@pytest.mark.parametrize("packed", [True, False])
def test_reads_copied_files(official, tmp_path, packed):
    lay_out(tmp_path, official, packed)
    got = datasets.mnist("full", folder=tmp_path)
    assert got.train_images.shape == (12, 28, 28) and got.test_images.shape == (5, 28, 28)
    raw = np.frombuffer(official["t10k-images-idx3-ubyte"], np.uint8)[16:].reshape(5, 28, 28)
    assert (got.test_images.numpy() == raw).all()
    assert got.train_labels.tolist() == [k % 10 for k in range(12)] and got.train_labels.dtype == torch.int64


def test_environment_variable_names_the_folder(official, tmp_path, monkeypatch):
    lay_out(tmp_path, official)
    monkeypatch.setenv("BOOK_DATA", str(tmp_path))
    assert len(datasets.mnist("full").train_images) == 12


def test_a_relative_environment_variable_is_meant_from_the_projects_root(official, tmp_path, monkeypatch):
    """A kernel runs in chapters/, a command where it was typed: both find the same folder."""
    (tmp_path / "elsewhere").mkdir()
    lay_out(tmp_path, official)
    monkeypatch.setattr(datasets, "_ROOT", tmp_path.parent)
    monkeypatch.setenv("BOOK_DATA", tmp_path.name)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(datasets.mnist("full").train_images) == 12
    assert datasets.data_folder() == tmp_path


def test_a_folder_that_must_not_be_written_is_only_read(official, tmp_path, monkeypatch):
    """Root may write everywhere, so the calls that would are forbidden."""
    lay_out(tmp_path, official)

    def refused(*_, **__):
        raise PermissionError(13, "Read-only file system")

    for call in ("mkdir", "write_bytes", "touch", "unlink"):
        monkeypatch.setattr(type(tmp_path), call, refused)
    assert len(datasets.mnist("full", folder=tmp_path).train_images) == 12


@pytest.mark.parametrize(
    "folder, error, message",
    [
        (3, TypeError, "folder must be the path of the data folder"),
        ("", ValueError, "folder must be the path of the data folder"),
        ("a\0b", ValueError, "folder must be the path of the data folder"),
    ],
)
def test_a_folder_that_is_no_path(folder, error, message):
    for function in (datasets.mnist, datasets.cifar10, datasets.data_folder):
        with pytest.raises(error, match=message):
            function(folder=folder)


def test_a_file_in_the_place_of_the_folder_is_said_with_who_named_it(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("BOOK_DATA", str(tmp_path / "file"))
    with pytest.raises(NotADirectoryError, match="file, which BOOK_DATA names, is not a folder"):
        datasets.mnist("full")
    with pytest.raises(NotADirectoryError, match="file, which is given as folder, is not a folder"):
        datasets.cifar10(folder=tmp_path / "file")


def test_downloads_once(mirror, official, tmp_path):
    first = datasets.mnist("full", folder=tmp_path)
    assert files(tmp_path) == sorted(official)
    assert len(mirror.asked) == 4
    second = datasets.mnist("full", folder=tmp_path)
    assert len(mirror.asked) == 4
    assert torch.equal(first.train_images, second.train_images)


def test_next_mirror_takes_over(mirror, tmp_path, monkeypatch):
    nobody = "http://127.0.0.1:9/mnist/"  # the discard port: refused
    monkeypatch.setattr(datasets, "MNIST_MIRRORS", (nobody, mirror.url + "elsewhere/", mirror.url))
    datasets.mnist("full", folder=tmp_path)
    assert len(files(tmp_path)) == 4


def truncated_gzip(mirror):
    mirror.files = {name: body[:-20] for name, body in mirror.files.items()}


def interrupted(mirror):
    mirror.promised_too_much = 1000


def foreign(mirror):
    mirror.files = {name: gzip.compress(b"something else") for name in mirror.files}


def web_page(mirror):
    mirror.files = {name: b"<html>log in first</html>" for name in mirror.files}


def absent(mirror):
    mirror.files = {}


@pytest.mark.parametrize("fault", [truncated_gzip, interrupted, foreign, web_page, absent])
def test_a_bad_download_leaves_nothing_and_says_what_to_do(mirror, tmp_path, fault):
    fault(mirror)
    with pytest.raises(FileNotFoundError, match="Three ways out") as raised:
        datasets.mnist("full", folder=tmp_path)
    assert all(way in str(raised.value) for way in ("network", "BOOK_DATA", "dataset='embedded'", mirror.url))
    assert files(tmp_path) == []


def test_an_interrupt_leaves_nothing(mirror, tmp_path, monkeypatch):
    def stopped(self, url, output_file, manager):
        with open(output_file, "wb") as file:
            file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", stopped)
    with pytest.raises(KeyboardInterrupt):
        datasets.mnist("full", folder=tmp_path)
    assert files(tmp_path) == []


def test_what_a_killed_download_left_is_swept_and_what_is_running_is_waited_for(mirror, tmp_path):
    folder = tmp_path / "mnist"
    folder.mkdir()
    name = next(iter(datasets.MNIST_FILES))
    (folder / f".{name}.0123.tmp").write_bytes(b"half of it")
    with FileLock(folder / f".{name}.lock"):
        other = threading.Thread(target=datasets.mnist, args=("full",), kwargs={"folder": tmp_path})
        other.start()
        other.join(0.2)
        assert other.is_alive() and mirror.asked == []
        Path(folder / f".{name}.lock").unlink()
    other.join()
    assert files(tmp_path) == sorted(datasets.MNIST_FILES)


def test_several_at_once_download_once(mirror, tmp_path):
    every = [threading.Thread(target=datasets.mnist, args=("full",), kwargs={"folder": tmp_path}) for _ in range(3)]
    for one in every:
        one.start()
    for one in every:
        one.join()
    assert len(mirror.asked) == 4 and files(tmp_path) == sorted(datasets.MNIST_FILES)


def test_what_lies_in_the_folder_is_said_where_nothing_fits(official, tmp_path):
    (tmp_path / "mnist.npz").touch()
    with pytest.raises(FileNotFoundError, match=r"is not in .* \(mnist\.npz\) and no mirror gave it"):
        datasets.mnist("full", folder=tmp_path)
    with pytest.raises(FileNotFoundError, match="it does not exist"):
        datasets.mnist("full", folder=tmp_path / "none")


def test_only_the_missing_file_is_downloaded(mirror, official, tmp_path):
    folder = lay_out(tmp_path, official)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    datasets.mnist("full", folder=tmp_path)
    assert mirror.asked == ["t10k-labels-idx1-ubyte.gz"]


def flip_a_bit(folder, name):
    content = bytearray(gzip.decompress((folder / f"{name}.gz").read_bytes()))
    content[-1] ^= 1
    (folder / f"{name}.gz").write_bytes(gzip.compress(bytes(content)))


def truncate(folder, name):
    path = folder / f"{name}.gz"
    path.write_bytes(path.read_bytes()[:-10])


def empty(folder, name):
    (folder / f"{name}.gz").write_bytes(b"")


def no_gzip(folder, name):
    (folder / f"{name}.gz").write_bytes(b"not packed at all")


def bomb(folder, name):
    (folder / f"{name}.gz").write_bytes(zipped(bytes(10**8)))


def folder_of_that_name(folder, name):
    (folder / f"{name}.gz").unlink()
    (folder / f"{name}.gz").mkdir()


def web_page_saved(folder, name):
    (folder / f"{name}.gz").write_bytes(b"<!DOCTYPE html>")


def pipe(folder, name):
    (folder / f"{name}.gz").unlink()
    os.mkfifo(folder / f"{name}.gz")  # who opens it waits for ever


def swap(folder, name):
    other = folder / "t10k-images-idx3-ubyte.gz"
    (folder / f"{name}.gz").write_bytes(other.read_bytes())


SAID = {
    flip_a_bit: "bytes with SHA-256",
    truncate: "damaged or truncated",
    empty: "it holds nothing",
    no_gzip: "17 bytes with SHA-256",
    swap: "the content of t10k-images-idx3-ubyte",
    folder_of_that_name: "a folder or a device",
    web_page_saved: "a web page",
    pipe: "a folder or a device",
}


@pytest.mark.parametrize("damage", SAID)
def test_a_bad_file_is_named_and_left_alone(mirror, official, tmp_path, damage):
    folder = lay_out(tmp_path, official)
    damage(folder, "train-images-idx3-ubyte")
    before = {path.name: path.read_bytes() if path.is_file() else None for path in folder.iterdir()}
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is .*move it away") as raised:
        datasets.mnist("full", folder=tmp_path)
    assert {path.name: path.read_bytes() if path.is_file() else None for path in folder.iterdir()} == before
    assert mirror.asked == []
    assert SAID[damage] in str(raised.value)


def test_a_bomb_is_not_unpacked(official, tmp_path, monkeypatch):
    """A hundred megabytes of zeros in a hundred kilobytes: no more is made of them than an official file has."""
    monkeypatch.setattr(datasets, "MNIST_LARGEST", 10**6)
    folder = lay_out(tmp_path, official)
    bomb(folder, "train-images-idx3-ubyte")
    tracemalloc.start()
    with pytest.raises(ValueError, match="more than 1,000,000 bytes"):
        datasets.mnist("full", folder=tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5e6


def test_a_folder_that_cannot_be_written(mirror, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="BOOK_DATA") as raised:
        datasets.mnist("full", folder=tmp_path / "file")
    assert not isinstance(raised.value, FileNotFoundError)
    assert "dataset='embedded'" in str(raised.value)


def test_a_full_disk_keeps_what_is_there(mirror, official, tmp_path, monkeypatch):
    folder = lay_out(tmp_path, official)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    kept = files(tmp_path)

    def full(self, url, output_file, manager):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", full)
    with pytest.raises(OSError, match=r"No space left.*free"):
        datasets.mnist("full", folder=tmp_path)
    assert files(tmp_path) == kept


def test_the_embedded_digits_are_fixed():
    got = datasets.mnist()
    assert got.train_images.shape == (4000, 28, 28) and got.test_images.shape == (1000, 28, 28)
    assert got.train_images.dtype == torch.uint8 and got.train_labels.dtype == torch.int64
    labels = torch.cat([got.train_labels, got.test_labels])
    assert labels.bincount().tolist() == [500] * 10
    rows = torch.cat([got.train_images, got.test_images]).flatten(1)
    assert len(rows.unique(dim=0)) == 5000  # no image in both parts
    digest = hashlib.sha256(got.test_images.numpy().tobytes() + got.test_labels.numpy().tobytes()).hexdigest()
    assert digest.startswith("9fda2d23c2db47a5")


def test_standardised():
    images = torch.tensor([[[0, 255]]], dtype=torch.uint8)
    expected = torch.tensor([[-0.1307 / 0.3081, (1 - 0.1307) / 0.3081]], dtype=torch.float64)
    torch.testing.assert_close(datasets.standardised(images, dtype=torch.float64), expected)
    with pytest.raises(TypeError, match="uint8"):
        datasets.standardised(images.float())


def test_pair():
    labels = torch.tensor([3, 1, 4, 1, 5, 9])
    x, is_b = datasets.pair(torch.arange(6), labels, 1, 4)
    assert x.tolist() == [1, 2, 3] and is_b.tolist() == [False, True, False]


@pytest.mark.parametrize("a, b, label", [(1, 1, 0), (0, 10, 0), (-1, 2, 0), (True, 2, 0), (0, 1, 10), (0, 1, -1)])
def test_pair_rejects(a, b, label):
    with pytest.raises((TypeError, ValueError), match=r"two different classes|[ab] must be|labels must be from 0 to 9"):
        datasets.pair(torch.zeros(2, 1), torch.tensor([0, label]), a, b)


def test_unknown_set():
    with pytest.raises(ValueError, match="one of embedded, full"):
        datasets.mnist("fashion")
