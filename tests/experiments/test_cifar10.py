"""CIFAR-10: read without trusting the files, verified by content, downloaded whole or not at all."""

import gzip
import hashlib
import http.server
import io
import pickle
import struct
import tarfile
import threading
import tracemalloc

import numpy as np
import pooch
import pytest
import torch

from src.experiments import cifar10, datasets

META = {b"num_vis": 3072}


class OpensAFile:
    """A pickle of this runs code where it is read by an ordinary unpickler."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def official(monkeypatch):
    """Six small batches in place of the official ones: (pixels, labels) by name."""
    rng = np.random.default_rng(0)
    names = [*cifar10.BATCHES["train"], *cifar10.BATCHES["test"]]
    batches = {name: (rng.integers(0, 256, (4, 3072), dtype=np.uint8), rng.integers(0, 10, 4)) for name in names}
    digests = {}
    for split, members in cifar10.BATCHES.items():
        pixels, labels = (np.concatenate([batches[name][k] for name in members]) for k in (0, 1))
        digests[split] = cifar10.digest(pixels, labels)
    monkeypatch.setattr(cifar10, "DIGESTS", digests)
    monkeypatch.setattr(cifar10, "URL", "http://127.0.0.1:9/cifar-10-python.tar.gz")  # the discard port: refused
    return batches


class Python2Pickler(pickle._Pickler):
    """Writes what Python 2 wrote, as the official files are: its strings, and numpy's old module."""

    def save_bytes(self, content):
        self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
        self.memoize(content)

    dispatch = pickle._Pickler.dispatch | {bytes: save_bytes}


def python_2(content):
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(content)
    return file.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def packed(batches, dumps=python_2):
    contents = {
        name: dumps({b"data": pixels, b"labels": labels.tolist(), b"batch_label": b"x"})
        for name, (pixels, labels) in batches.items()
    }
    return contents | {"batches.meta": dumps(META)}


def lay_out(folder, contents):
    (folder / cifar10.FOLDER).mkdir()
    for name, content in contents.items():
        (folder / cifar10.FOLDER / name).write_bytes(content)


def archive(contents):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def mirror(official, monkeypatch):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked += 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(server.body) + server.promised_too_much))
            self.end_headers()
            self.wfile.write(server.body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.promised_too_much, server.body = 0, 0, archive(packed(official))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setattr(cifar10, "URL", f"http://127.0.0.1:{server.server_port}/cifar-10-python.tar.gz")
    monkeypatch.setattr(cifar10, "MD5", hashlib.md5(server.body).hexdigest())
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("dumps", [python_2, pickle.dumps])
def test_reads_the_batches_in_their_order(official, tmp_path, dumps):
    lay_out(tmp_path, packed(official, dumps))
    got = datasets.cifar10(folder=tmp_path)
    assert got.name == "CIFAR-10"
    assert got.train_images.shape == (20, 3, 32, 32) and got.test_images.shape == (4, 3, 32, 32)
    assert got.train_images.dtype == torch.uint8 and got.train_labels.dtype == torch.int64
    pixels, labels = official["data_batch_2"]
    # the official layout: 1024 red, 1024 green, 1024 blue, row by row
    assert got.train_images[5, 1, 2, 3].item() == pixels[1, 1024 + 2 * 32 + 3]
    assert got.train_labels[4:8].tolist() == labels.tolist()


def test_the_pickles_of_these_tests_are_those_of_python_2(official):
    content = packed(official)["test_batch"]
    assert b"cnumpy.core.multiarray\n_reconstruct" in content and b"_codecs" not in content
    assert content.count(b"T") and set(pickle.loads(content, encoding="bytes")) == {b"data", b"labels", b"batch_label"}


def test_the_order_does_not_count(official, tmp_path):
    mixed = {name: (pixels[::-1].copy(), labels[::-1]) for name, (pixels, labels) in official.items()}
    mixed["data_batch_1"], mixed["data_batch_3"] = mixed["data_batch_3"], mixed["data_batch_1"]
    lay_out(tmp_path, packed(mixed))
    datasets.cifar10(folder=tmp_path)


def one_pixel(batches):
    batches["data_batch_4"][0][2, 7] ^= 1


def labels_exchanged(batches):
    labels = batches["test_batch"][1]
    labels[0] = (labels[0] + 1) % 10


def swapped_with_test(batches):
    batches["test_batch"], batches["data_batch_1"] = batches["data_batch_1"], batches["test_batch"]


@pytest.mark.parametrize("damage", [one_pixel, labels_exchanged, swapped_with_test])
def test_other_images_are_refused(official, tmp_path, damage):
    damage(official)
    lay_out(tmp_path, packed(official))
    with pytest.raises(ValueError, match=r"does not hold the official CIFAR-10: .*digest"):
        datasets.cifar10(folder=tmp_path)


def test_a_hostile_pickle_runs_nothing(official, tmp_path):
    trap = tmp_path / "trap"
    content = pickle.dumps({b"data": OpensAFile(trap), b"labels": []})
    pickle.loads(content)
    assert trap.exists()  # it is one
    trap.unlink()
    lay_out(tmp_path, packed(official) | {"data_batch_3": content})
    with pytest.raises(ValueError, match=r"data_batch_3 is not a batch of CIFAR-10 .*open"):
        datasets.cifar10(folder=tmp_path)
    assert not trap.exists()


PAIRS = b"".join(b"h%ch%c\x86q%c" % (k, k, k + 1) for k in range(90))  # each of the one before, twice
BOMBS = {  # small pickles that claim much room, or time
    "the index of a memo": b"\x80\x02Nr\xff\xff\xff\x0f.",
    "the length of bytes": b"\x80\x03B\x00\x00\x00\x83.",
    "an array to be made": b"\x80\x02cnumpy\nndarray\nJ\x00\x00\x00\x75\x85R.",
    "an array of objects": pickle.dumps(np.array([None]), 4).replace(b"K\x01\x85", b"J\x00\x00\x00\x10\x85"),
    "a bytearray": b"\x80\x05\x96\x00\x00\x00\x83\x00\x00\x00\x00.",
    "a long frame": b"\x80\x04\x95\x00\x00\x00\x83\x00\x00\x00\x00.",
    "pairs of pairs for a key": b"\x80\x02Nq\x00%b}h\x5aNs." % PAIRS,
    "many lists": b"\x80\x02" + b"]" * 110_000 + b".",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_claims_nothing(official, tmp_path, name):
    lay_out(tmp_path, packed(official) | {"data_batch_1": BOMBS[name]})
    tracemalloc.start()
    with pytest.raises(ValueError, match="data_batch_1 is not a batch of CIFAR-10"):
        datasets.cifar10(folder=tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**25


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        pickle.dumps([1, 2]),
        pickle.dumps({b"data": np.zeros((2, 3072)), b"labels": [1, 2]}),
        pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]}),
        pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1, 300]}),
        pickle.dumps({b"data": np.array([[None] * 3072], object), b"labels": [1]}),
        pickle.dumps({b"data": "text", b"labels": [1]}),
        pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1.0, 2]}),
        pickle.dumps({b"data": np.zeros((2, 3072), np.int8), b"labels": [1, 2]}),
        *BOMBS.values(),
    ],
)
def test_a_damaged_batch_is_named_and_left_alone(official, tmp_path, content):
    lay_out(tmp_path, packed(official) | {"data_batch_5": content})
    with pytest.raises(ValueError, match=r"data_batch_5 is not a batch of CIFAR-10 .*move it away"):
        datasets.cifar10(folder=tmp_path)
    assert (tmp_path / cifar10.FOLDER / "data_batch_5").read_bytes() == content


def test_a_truncated_batch(official, tmp_path):
    contents = packed(official)
    lay_out(tmp_path, contents | {"test_batch": contents["test_batch"][:-100]})
    with pytest.raises(ValueError, match="test_batch is not a batch"):
        datasets.cifar10(folder=tmp_path)


def test_missing_batches_are_named(official, tmp_path):
    contents = packed(official)
    del contents["data_batch_2"], contents["test_batch"]
    lay_out(tmp_path, contents)
    with pytest.raises(FileNotFoundError, match="lacks data_batch_2, test_batch"):
        datasets.cifar10(folder=tmp_path)


def test_downloads_once(mirror, tmp_path):
    first = datasets.cifar10(folder=tmp_path)
    second = datasets.cifar10(folder=tmp_path)
    assert mirror.asked == 1 and torch.equal(first.train_images, second.train_images)
    assert [p.name for p in tmp_path.iterdir()] == ["cifar-10-python.tar.gz"]


def test_a_copied_archive_is_used(mirror, tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(mirror.body)
    assert len(datasets.cifar10(folder=tmp_path).test_images) == 4 and mirror.asked == 0


@pytest.mark.parametrize("name", ["cifar-10-python.tar.gz", "cifar-10-python.tar"])
@pytest.mark.parametrize("held", [gzip.compress, bytes])
def test_an_archive_is_judged_by_its_content(mirror, tmp_path, name, held):
    (tmp_path / name).write_bytes(held(gzip.decompress(mirror.body)))
    assert len(datasets.cifar10(folder=tmp_path).test_images) == 4 and mirror.asked == 0
    assert [p.name for p in tmp_path.iterdir()] == [name]  # nothing is unpacked: the folder may be read-only


def test_the_folder_of_the_batches_itself(official, tmp_path):
    lay_out(tmp_path, packed(official))
    assert len(datasets.cifar10(folder=tmp_path / cifar10.FOLDER).test_images) == 4


def test_a_good_archive_is_found_beside_a_folder_that_lacks_a_batch(mirror, official, tmp_path):
    contents = packed(official)
    del contents["data_batch_2"]
    lay_out(tmp_path, contents)
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(mirror.body)
    assert len(datasets.cifar10(folder=tmp_path).test_images) == 4 and mirror.asked == 0


def tar(*members):
    """A packed archive of (name, content, claimed size or None, type)."""
    file = io.BytesIO()
    for name, content, size, kind in members:
        member = tarfile.TarInfo(name)
        member.type, member.size = kind, len(content) if size is None else size
        file.write(member.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512))
    return gzip.compress(file.getvalue() + bytes(1024))


BATCH, HUGE = f"{cifar10.FOLDER}/data_batch_1", 7 * 2**30
BAD_ARCHIVES = {  # made of a good one, and what is said of it
    "empty": (lambda good: b"", "ReadError"),
    "text": (lambda good: b"<html>log in first</html>", "ReadError"),
    "truncated": (lambda good: good[: len(good) // 2], "EOFError"),
    "nothing in it": (lambda good: tar(), "lacks data_batch_1"),
    "a path that leads out": (lambda good: tar(("../../escaped", b"x", None, tarfile.REGTYPE)), "lacks data_batch_1"),
    "a link": (lambda good: tar((BATCH, b"", None, tarfile.SYMTYPE)), "lacks data_batch_1"),
    "a huge member": (lambda good: tar((BATCH, b"x", HUGE, tarfile.REGTYPE)), "is not the archive"),
    "a huge header": (lambda good: tar(("x", b"x", HUGE, tarfile.XHDTYPE)), "is not the archive"),
    "a huge header that is there": (lambda good: tar(("x", bytes(10**8), None, tarfile.XHDTYPE)), "holds more than"),
    "a bomb": (lambda good: tar((BATCH, bytes(5 * 10**6), None, tarfile.REGTYPE)), "more than 1,000,000 bytes"),
    "a bomb beside": (lambda good: tar(("x", bytes(10**8), None, tarfile.REGTYPE)), "holds more than"),
}


@pytest.mark.parametrize("name", BAD_ARCHIVES)
def test_a_bad_archive_is_named_and_left_alone(mirror, tmp_path, monkeypatch, name):
    monkeypatch.setattr(cifar10, "LARGEST", 10**6)
    make, message = BAD_ARCHIVES[name]
    body = make(mirror.body)
    path = tmp_path / "inner" / "cifar-10-python.tar.gz"
    path.parent.mkdir()
    path.write_bytes(body)
    tracemalloc.start()
    with pytest.raises((ValueError, FileNotFoundError), match=message) as raised:
        datasets.cifar10(folder=path.parent)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "move it away" in str(raised.value) and str(path) in str(raised.value)
    assert path.read_bytes() == body and mirror.asked == 0
    assert [p.name for p in tmp_path.iterdir()] == ["inner"] and peak < 3e7


@pytest.mark.parametrize("fault", ["foreign", "interrupted", "refused"])
def test_a_bad_download_leaves_nothing_and_says_what_to_do(mirror, tmp_path, monkeypatch, fault):
    if fault == "foreign":
        mirror.body = b"<html>log in first</html>"
    elif fault == "interrupted":
        mirror.promised_too_much = 1000
    else:
        monkeypatch.setattr(cifar10, "URL", "http://127.0.0.1:9/cifar-10-python.tar.gz")
    with pytest.raises(FileNotFoundError, match="Two ways out") as raised:
        datasets.cifar10(folder=tmp_path)
    assert "BOOK_DATA" in str(raised.value) and str(tmp_path) in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing(mirror, tmp_path, monkeypatch):
    def stopped(self, url, output_file, manager):
        with open(output_file, "wb") as file:
            file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", stopped)
    with pytest.raises(KeyboardInterrupt):
        datasets.cifar10(folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(mirror, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="BOOK_DATA") as raised:
        datasets.cifar10(folder=tmp_path / "file")
    assert not isinstance(raised.value, FileNotFoundError)


def test_the_full_set():
    if not (datasets.data_folder() / cifar10.FOLDER).exists():
        pytest.skip("CIFAR-10 is not in the data folder")
    got = datasets.cifar10()
    assert got.train_labels.bincount().tolist() == [5000] * 10 and got.test_labels.bincount().tolist() == [1000] * 10
