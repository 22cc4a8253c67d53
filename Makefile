# Everything runs in .venv, which the first target that needs it makes. Only Python 3.10+ and make are assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test soak bench lint types format clean

demo: $(VENV)/.installed-sandbox
	@$(BIN)/python examples/demo.py

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# Random operations on random stacks; EXAMPLES=n for another number.
EXAMPLES ?= 1000
soak: $(VENV)/.installed-test
	$(BIN)/python -m tests.provider.test_stateful --examples $(EXAMPLES)

# Prints a table, and writes it as JSON and as a picture to benchmarks/results.
bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks

lint: $(VENV)/.installed-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo

types: $(VENV)/.installed-dev
	$(BIN)/python -m mypy

format: $(VENV)/.installed-dev
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

clean:
	rm -rf $(VENV) venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@echo "Making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

# One file for each extra that is installed; a changed pyproject.toml installs anew.
$(VENV)/.installed-%: pyproject.toml $(BIN)/python
	@echo "Installing pulumi-truto[$*] and what it needs (a minute or two the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
