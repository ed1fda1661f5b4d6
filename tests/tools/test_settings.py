"""Settings as they are typed, and the names of files that hold their runs."""

import re

import pytest

from tools import settings


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a=1e-4", {"a": 1e-4}),
        ("a=-3 b=.5", {"a": -3, "b": 0.5}),
        ("a=[0.1, 0.3]", {"a": [0.1, 0.3]}),
        ("a=[1e-1,  3E-1] b=2", {"a": [0.1, 0.3], "b": 2}),
        ("  a=[[1, 2], [3]]  ", {"a": [[1, 2], [3]]}),
        ("a=true b=False", {"a": True, "b": False}),
        ("a=", {"a": ""}),
        ("a='my runs' b=x", {"a": "my runs", "b": "x"}),
        ("a=010", {"a": 10}),
        ("a=nan", {"a": pytest.approx(float("nan"), nan_ok=True)}),
        ("a=2024-01-01", {"a": "2024-01-01"}),
        ("a=b=c", {"a": "b=c"}),
        ("", {}),
    ],
)
def test_values_are_read_as_papermill_reads_them(text, read):
    assert settings.read([text], ["a", "b"]) == read


def test_several_arguments_are_several_settings():
    assert settings.read(["a=[1, 2]", "b=3"], ["a", "b"]) == {"a": [1, 2], "b": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("d", "'d' is no parameter setting: write name=value"),
        ("d = 3", "'d' is no parameter setting"),
        ("dd=3", r"unknown parameter 'dd' \(did you mean 'd'\?\). This chapter takes: d, name"),
        ("open('x','w');d=3", r"unknown parameter \"open\('x','w'\);d\""),
        ("import=3", "unknown parameter 'import'"),
        ("=3", "unknown parameter ''"),
        ("d=3 d=4", "parameter 'd' is set twice"),
        ("d=[1, 2", r"left open, or closed twice, in 'd=\[1, 2'"),
        ("d=1] name=x", "left open, or closed twice, in 'd=1] name=x'"),
        ("name=it's d=3", 'left open, or closed twice, in "name=it\'s d=3"'),
        ("d=[1}", "parameter 'd' must be a number, a list, true, false or a text, not '\\[1}'"),
        ("d=!!python/object:x", "parameter 'd' must be a number"),
        ("d=" + "[" * 999 + "]" * 999, "parameter 'd' must be a number"),
    ],
)
def test_anything_else_is_one_clear_sentence(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        settings.read([text], ["d", "name"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["../../../x", "/etc/x", "a" * 500, "\0", "a\nb", "ü ï", [0.1, 0.3], "-", ".", "%"])
def test_file_names_are_safe_and_tell_settings_apart(value):
    name = settings.file_name("01_one", {"d": value})
    assert re.fullmatch(r"01_one-d=[A-Za-z0-9_=.-]*-[0-9a-f]{8}\.ipynb", name) and len(name) < 120
    others = [{"d": f"{value}"}, {"d": [value]}, {"e": value}, {"d": value, "e": 1}, {}]
    names = {settings.file_name("01_one", other) for other in others if other != {"d": value}}
    assert name not in names


def test_the_order_of_settings_does_not_matter_to_the_digest():
    one, two = (settings.file_name("01_one", given)[-14:] for given in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert one == two
