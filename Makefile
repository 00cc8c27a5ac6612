# Every target works on a fresh machine with Python 3.10 or later and make; `make help` lists them.

# The first of these that is Python 3.10 or later (macOS brings 3.9 as python3).
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Workers of the test run: one a core.
JOBS ?= auto

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow golden check check-format check-lint check-types format bench \
	install clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## Transpile the examples, show the MSL, run it on this machine's CPU
	$(BIN)/python -m examples.demo

test: $(VENV)/.dev ## Run the tests (all but the slow ones)
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

test-slow: $(VENV)/.dev ## Run the slow tests alone
	$(BIN)/python -m pytest -n $(JOBS) -m slow

golden: $(VENV)/.dev ## Rewrite the golden files; read the difference before you commit it
	$(BIN)/python -m pytest -q -m "not slow" --update-golden

check: check-format check-lint check-types ## Format, lint and types

check-format: $(VENV)/.dev
	$(BIN)/ruff format --check .

check-lint: $(VENV)/.dev
	$(BIN)/ruff check .

check-types: $(VENV)/.dev
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/.dev ## Format and repair what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## Measure what compiling costs, beside Triton
	$(BIN)/python -m benchmarks.compile_time

install: $(VENV)/.dev ## Only make the environment

clean: ## Remove the environment and all that tools have built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. The stamps are newer than pyproject.toml once its requirements are installed;
# sources need no new installation, because it is an editable one.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.10 or later is needed: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3 -m venv failed: on Debian and Ubuntu, apt install python3-venv"; exit 1; }

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(PIP) -e '.[metal,cpu,check,color]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.demo
