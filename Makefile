# The commands of the book; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/.installed

.PHONY: help book site test lint run refresh bench stress
.DEFAULT_GOAL := help

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

book: $(READY)  ## execute every chapter at its defaults, render the site from these outputs
	@$(PY) tools/book.py build

site: $(READY)  ## render the stored outputs only
	@$(PY) tools/book.py site

test: $(READY)  ## every test (closing line: pytest's)
	@$(PY) -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=600 \
	    --nbval-sanitize-with tests/nbval_sanitize.cfg tests chapters

lint: $(READY)  ## the linter and the formatter, changing nothing
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

run: $(READY)  ## one chapter with other parameters: make run CHAPTER=12 P="d=300 steps=200"
	@test -n "$(CHAPTER)" || { echo 'say which chapter: make run CHAPTER=12 P="d=300 steps=200"'; exit 2; }
	@$(PY) tools/book.py run $(CHAPTER) $(P)

refresh: $(READY)  ## execute and store the outputs of all chapters, or of one: make refresh CHAPTER=12
	@$(PY) tools/book.py refresh $(CHAPTER)

bench: $(READY)  ## measure the speed of src and what it costs
	@$(PY) tools/bench.py

stress: $(READY)  ## the tests that take too long for make test
	@$(PY) -m pytest -m stress tests

# The environment, made again where a requirement changed.
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	    { echo "needed: Python 3.11 or newer with pip and venv (set PYTHON=... to name one)"; exit 2; }
	@echo "installing into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@PYTHONWARNINGS=ignore $(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@
