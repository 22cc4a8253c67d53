# Everything runs in .venv, which the first target that needs it makes. Only Python 3.10+ and make are assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check verify-live coverage soak bench schema plugin docs picture lint lint-code lint-imports lint-docs lint-workflows types format release-check clean

demo: $(VENV)/.installed-testing
	@$(BIN)/python examples/demo.py

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# For the minute between two edits. Most of these tests wait for time limits, so more of them run at once than there are cores.
check: lint-code lint-imports
	$(BIN)/python -m mypy
	$(BIN)/python -m pytest -q -n 8 tests/unit tests/api

# Checks our assumptions against the live API. It needs TRUTO_API_TOKEN, and ARGS=--yes-create-and-delete.
verify-live: $(VENV)/.installed-test
	@$(BIN)/python -m pytest tests/contract --live --tb=short $(ARGS)

# Branches too, also in the processes that the tests start.
coverage: $(VENV)/.installed-dev
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist loadfile --no-loadscope-reorder
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# All crash points, then random operations on random stacks; EXAMPLES=n for another number of stacks.
EXAMPLES ?= 1000
soak: $(VENV)/.installed-test
	$(BIN)/python -m tests.provider.test_crash_points
	$(BIN)/python -m tests.provider.test_stateful --examples $(EXAMPLES)

# Prints a table, and writes it as JSON and as a picture to benchmarks/results.
bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks

# The archive for `pulumi plugin install --file`, of the last commit. A tree instead of a commit, because Pulumi refuses the
# header that git would add.
DIST ?= dist
plugin: $(BIN)/python
	@mkdir -p $(DIST)
	@version=$$($(BIN)/python -c "from pulumi_truto.version import __version__; print(__version__)") && \
	archive="$(DIST)/pulumi-resource-truto-v$$version.tar.gz" && \
	git -c tar.umask=022 archive --format=tar.gz --output="$$archive" 'HEAD^{tree}' LICENSE PulumiPlugin.yaml README.md pulumi_truto pyproject.toml setup.py && \
	echo "$$archive"

# Writes the plugin's contract anew: its difference shows a reviewer every change for users' programs.
schema: $(VENV)/.installed-test
	$(BIN)/python -m pulumi_truto.plugin.schema > schema.json

# The theme prints a notice about its own future, unless this is set.
export NO_MKDOCS_2_WARNING := 1
docs: $(VENV)/.installed-docs
	$(BIN)/python -m mkdocs serve --dev-addr 127.0.0.1:8000

# Draws docs/rotation.svg anew, from a run of the demo on the Pulumi CLI.
picture: $(VENV)/.installed-test
	$(BIN)/python docs/_site/picture.py

# .pre-commit-config.yaml runs the same targets.
lint: lint-code lint-imports lint-docs lint-workflows

lint-code: $(VENV)/.installed-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

lint-imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports --no-cache --no-logo

lint-docs: $(VENV)/.installed-dev
	@site=$$(mktemp -d) && trap 'rm -rf "$$site"' EXIT && $(BIN)/python -m mkdocs build --strict --site-dir "$$site"

# With REQUIRED=1 it is a failure that actionlint is missing.
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
lint-workflows: $(VENV)/.installed-release
	$(BIN)/zizmor --offline --pedantic --quiet .
	@if command -v actionlint >/dev/null; then actionlint; \
	elif go run $(ACTIONLINT) -version >/dev/null 2>&1; then go run $(ACTIONLINT); \
	else echo "The workflows are not checked: actionlint is not on PATH, and Go, which could build it, is missing or offline"; \
		test -z "$(REQUIRED)"; fi

# Windows lacks much of os, signal and socket: the second run finds uses of them.
types: $(VENV)/.installed-dev
	$(BIN)/python -m mypy
	$(BIN)/python -m mypy --platform win32 --cache-dir .mypy_cache/win32
	$(BIN)/python -m mypy --config-file tests/typing/examples.ini
	$(BIN)/basedpyright --level error

format: $(VENV)/.installed-dev
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

# TAG=v1.2.3 for the release itself. The passed files are in dist/ then.
release-check: $(VENV)/.installed-release
	$(BIN)/python -m release $${TAG:+--tag "$$TAG"}

clean:
	rm -rf $(VENV) venv build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*

$(BIN)/python:
	@echo "Making a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

# One file for each extra that is installed; a changed pyproject.toml installs anew.
$(VENV)/.installed-%: pyproject.toml $(BIN)/python
	@echo "Installing pulumi-truto[$*] and its dependencies (a minute or two the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
