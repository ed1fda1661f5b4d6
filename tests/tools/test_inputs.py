"""What a chapter's outputs depend on: text, code, recordings, packages, and nothing else."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tools import inputs

CLAIM = "[{id: a-claim, row: 1, place: p, statement: s, paper: p, chapter: 02_two}]"
FILES = {
    "chapters/01_one.py": "# %%\nfrom src.theory import bounds\n",
    "chapters/claims.yml": CLAIM,
    "src/__init__.py": "",
    "src/theory/__init__.py": "",
    "src/theory/bounds.py": "from src.model.weights import norm\n\n\ndef f(x):\n    return norm(x)\n",
    "src/theory/unused.py": "x = 1\n",
    "src/model/__init__.py": "",
    "src/model/weights.py": "import src.checks\n\n\ndef norm(x):\n    return abs(x)\n",
    "src/checks.py": "",
    "data/recorded/a.npz": "a recording",
    "requirements.txt": "torch==1",
}


@pytest.fixture
def book(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def of(book):
    return inputs.of(book / "chapters" / "01_one.py", book)


def test_modules_are_those_that_are_imported_directly_or_not(book):
    found = inputs.modules(FILES["chapters/01_one.py"], book)
    assert found == {"src.theory", "src.theory.bounds", "src.model.weights", "src.checks"}


@pytest.mark.parametrize(
    ("name", "text", "changed"),
    [
        ("chapters/01_one.py", "# %%\nfrom src.theory import bounds\n\n# %%\n1\n", "its text"),
        ("chapters/claims.yml", CLAIM.replace("02_two", "01_one"), "its text"),
        ("chapters/claims.yml", CLAIM.replace("place: p", "place: q"), ""),  # another chapter's
        ("src/model/weights.py", FILES["src/model/weights.py"].replace("abs(x)", "x"), "the code that it imports"),
        ("src/model/weights.py", FILES["src/model/weights.py"] + "# a comment\n", ""),
        ("src/theory/unused.py", "x = 2\n", ""),
        ("data/recorded/a.npz", "another", ""),  # no module of it reads any
        ("requirements.txt", "torch==2", "the packages"),
    ],
)
def test_what_counts(book, name, text, changed):
    before = of(book)
    assert inputs.changed(before, of(book)) == ""
    (book / name).write_text(text)
    assert inputs.changed(before, of(book)) == changed


def test_many_threads_may_ask_at_once(book):
    for k in range(60):
        (book / f"src/theory/wide{k}.py").write_text("x = " + " + ".join(f"({k} * {j})" for j in range(400)) + "\n")
    source = "# %%\n" + "".join(f"from src.theory import wide{k}\n" for k in range(60))
    scripts = [book / "chapters" / f"1{k}_{name}.py" for k, name in enumerate("abcd")]
    for script in scripts:
        script.write_text(source)
    with ThreadPoolExecutor(4) as pool:
        assert len({found["code"] for found in pool.map(lambda script: inputs.of(script, book), scripts * 5)}) == 1


def test_recordings_count_where_they_are_read(book):
    with (book / "src/theory/bounds.py").open("a") as file:
        file.write("\n\nfrom src.runs import recorded\n\nLOADED = recorded.load('a')\n")
    before = of(book)
    (book / "data/recorded/b.npz").write_text("a new one")
    assert inputs.changed(before, of(book)) == "a recording"
    assert inputs.changed({}, of(book)) == "its text and the code that it imports and a recording and the packages"
