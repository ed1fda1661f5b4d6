"""What the tools take from the book's modules is there, in commands that are seldom run too."""

import ast
import importlib
import inspect

import pytest
from conftest import ROOT


@pytest.mark.parametrize("path", sorted((ROOT / "tools").glob("*.py")), ids=lambda path: path.stem)
def test_every_name_that_a_tool_takes_from_a_module_exists(path):
    tree = ast.parse(path.read_text())
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ("src", "tools"):
            source = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(source, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
                thing = getattr(source, alias.name)
                modules |= {alias.asname or alias.name: thing} if inspect.ismodule(thing) else {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            assert hasattr(modules[node.value.id], node.attr), f"{path.name}:{node.lineno}: {ast.unparse(node)}"
