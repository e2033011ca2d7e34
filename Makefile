# Every target sets up what it needs; nothing has to be installed by hand.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
RUNS := $(VENV)/.installed-to-run
INSTALLED := $(VENV)/.installed
JOBS ?= 2
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt

.PHONY: help setup demo test slow faults ray ray-starts check format docs clean

help:
	@echo "make setup   create $(VENV) and install maskwise for development, with the versions of constraints.txt"
	@echo "make demo    draw portraits, train, score, predict, report (maskwise demo)"
	@echo "make test    the default test suite"
	@echo "make slow    the tests that take minutes"
	@echo "make faults  kills, damage and mutants of photos, in a short form (docs/reliability.md)"
	@echo "make ray     trainings and predictions on a Ray of this machine, and on two nodes of which one is killed"
	@echo "make check   format, lint, types and tests: what has to be green"
	@echo "make format  let ruff put the code in order"
	@echo "make docs    build the documentation site in site/"

setup: $(INSTALLED)

$(INSTALLED): $(RUNS)
	$(PIP) -e ".[dev]"
	$(BIN)/python tests/support/axe.py || echo "goes on without axe-core; tests of accessibility in a browser skip"
	touch $(INSTALLED)

# To use maskwise, without what its tests need.
$(RUNS): constraints.txt pyproject.toml setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e ".[train,serve]"
	$(BIN)/maskwise weights add faces || echo "goes on without the face weights; ImageNet recipes work"
	touch $(RUNS)

demo: $(RUNS)
	$(BIN)/maskwise demo

test: setup
	$(BIN)/python -m pytest -n $(JOBS)

slow: setup
	$(BIN)/python -m pytest -n $(JOBS) -m "slow and not ray"

faults: setup
	$(BIN)/python -m pytest -n $(JOBS) -m faults

# One at a time: each starts a Ray of its own. The slow one is the cluster of two nodes, about a minute and a half.
ray: ray-starts
	$(BIN)/python -m pytest -m ray

ray-starts: setup
	$(PIP) -e ".[ray]"
	timeout 120 $(BIN)/python -c "import ray; ray.init(num_cpus=1, include_dashboard=False); ray.shutdown()"

check: setup
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/python -m pytest -n $(JOBS)

format: setup
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks

docs: $(INSTALLED)
	$(PIP) -e ".[docs]"
	$(BIN)/mkdocs build --strict

clean:
	rm -rf site $(VENV) .mypy_cache .ruff_cache .pytest_cache
