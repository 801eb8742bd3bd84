# Each target sets up what it needs: `make demo` and `make test` work first, on a machine with Python 3.11, gcc and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export MPLBACKEND = Agg

.PHONY: demo test test-all check bench bench-peers docs clean

demo: $(VENV)/installed
	$(BIN)/percoat run kissel2026 --quick --out results/kissel2026-quick

test: $(VENV)/tested
	$(BIN)/python -m tests.project.compile_kernels
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m "not slow" --durations 20

test-all: test
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m slow --durations 20

check: $(VENV)/checked
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e .[bench]
	$(BIN)/python -m benchmarks

bench-peers: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e .[peers]
	$(BIN)/python -m benchmarks.performance

docs: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e .[docs]
	$(BIN)/python docs/chart.py
	$(BIN)/python docs/coating.py
	$(BIN)/python docs/utilisation.py
	$(BIN)/python docs/pictures.py

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e .[test]
	touch $@

$(VENV)/checked: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e .[check]
	touch $@
