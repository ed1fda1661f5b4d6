# The commands of the book; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
# What the environment was made from: the folder that it lies in, and the requirements.
WANTED := { (cd $(VENV) && pwd -P) && cat requirements.txt constraints.txt pyproject.toml; }

# Whatever is set outside, the book runs with its own code and packages, and its figures are shown.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONOPTIMIZE MPLBACKEND JUPYTER_PATH
unexport PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_NO_DEPS PIP_DRY_RUN

.PHONY: help book site test lint run sweep compare refresh lab bench pdf stress cluster browser ready
.DEFAULT_GOAL := help

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

book: ready  ## execute every chapter that changed since the last book, render the site (ALL=1: every chapter)
	@$(PY) tools/book.py build $(if $(ALL),--all)

site: ready  ## render the stored outputs only
	@$(PY) tools/book.py site

test: ready  ## every test (closing line: pytest's)
	@notebooks=$$($(PY) tools/book.py notebooks) && \
	$(PY) -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=600 \
	    --nbval-sanitize-with tests/nbval_sanitize.cfg tests $$notebooks

lint: ready  ## the linter and the formatter, changing nothing
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .
	@$(PY) -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

run: ready  ## one chapter with other parameters: make run CHAPTER=12 P="d=300 steps=200"
	@test -n "$$CHAPTER" || { echo 'say which chapter: make run CHAPTER=12 P="d=300 steps=200"'; exit 2; }
	@$(PY) tools/book.py run "$$CHAPTER" "$$P"

sweep: ready  ## a chapter over a grid: make sweep CHAPTER=12 GRID="trace=-10,-14.5 seed=0:5" (or a YAML file)
	@test -n "$$CHAPTER$$GRID" || { echo 'say which chapter and grid: make sweep CHAPTER=12 GRID="seed=0:5"'; exit 2; }
	@$(PY) tools/book.py sweep "$$CHAPTER" "$$GRID"

compare: ready  ## a notebook that papermill executed, beside the book: make compare RUN=out.ipynb
	@test -n "$$RUN" || { echo 'say which notebook: make compare RUN=out.ipynb'; exit 2; }
	@$(PY) tools/book.py compare "$$RUN"

refresh: ready  ## execute and store the chapters that changed, or some: make refresh CHAPTER=12 (ALL=1: unchanged ones too)
	@$(PY) tools/book.py refresh $$CHAPTER $(if $(ALL),--all)

lab: ready  ## the chapters in JupyterLab, which is installed at the first call
	@$(PY) -c "import jupyterlab" 2>/dev/null || $(PY) -m pip install --quiet -r requirements-lab.txt
	@$(PY) -m jupyterlab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/chapters

bench: ready  ## measure the speed of src and what it costs
	@$(PY) -m tools.bench

stress: ready cluster browser  ## kills, full disks, damaged files, bad inputs on purpose, and the tests that take long
	@$(PY) -m tests.stress; tried=$$?; $(PY) -m tests.cluster && $(PY) -m pytest -q -m stress tests && exit $$tried

pdf: site browser  ## the stored outputs as one PDF, by Chromium
	@$(PY) -m tools.pdf

cluster: ready  # what a sweep on a Dask cluster needs
	@$(PY) -c "import distributed" 2>/dev/null || $(PY) -m pip install --quiet -r requirements-cluster.txt

browser: ready  # what the tests in a browser need; what cannot be had is said, and its tests are skipped
	@tools/browser.sh $(PY)

ready:  # the environment, made again where it was moved or copied, or a requirement changed
	@set -e; if test -x $(PY) && $(WANTED) | cmp -s - $(STAMP); then exit 0; fi; \
	$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	    { echo "needed: Python 3.11 or newer with pip and venv (set PYTHON=... to name one)"; exit 2; }; \
	test ! -L $(VENV) || { echo "$(VENV) is a link to an environment with other packages: remove it"; exit 2; }; \
	echo "installing into $(VENV) ..."; \
	made_in=$$(head -n 1 $(STAMP) 2>/dev/null || true); \
	test -z "$$made_in" || test "$$made_in" = "$$(cd $(VENV) && pwd -P)" || rm -rf $(VENV); \
	$(PYTHON) -m venv $(VENV); \
	PYTHONWARNINGS=ignore $(PY) -m pip install --no-user --quiet --disable-pip-version-check -r requirements.txt; \
	$(WANTED) > $(STAMP)
