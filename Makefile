# caseq: `make demo` and `make test` are complete first commands in a fresh clone.
# They need Python 3.11 or newer and make; everything else goes into .venv, by the hashes in the lock files.
# The second run installs nothing and needs no network.

PYTHON ?= python3
DEMO_ARGS ?=
BENCH_ARGS ?=
PYTEST_ARGS ?= -n 3 --dist loadgroup
LOCK_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
# Twice quiet: errors only.
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip --quiet --quiet

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help venv demo test lint lock bench wheel clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(VENV)/.dev  ## make .venv with everything a developer needs

demo: $(VENV)/.runtime  ## serve made-up cases on this machine (DEMO_ARGS=...)
	$(BIN)/caseq demo $(DEMO_ARGS)

test: $(VENV)/.dev  ## run the whole suite (PYTEST_ARGS='-k login -x')
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.dev  ## ruff, ruff format --check, mypy; reports all three
	@failed=; \
	echo "$(BIN)/ruff check ."; $(BIN)/ruff check . || failed="$$failed ruff-check"; \
	echo "$(BIN)/ruff format --check ."; $(BIN)/ruff format --check . || failed="$$failed ruff-format"; \
	echo "$(BIN)/mypy"; $(BIN)/mypy || failed="$$failed mypy"; \
	if [ -n "$$failed" ]; then echo "lint failed:$$failed" >&2; exit 1; fi

bench: $(VENV)/.dev  ## the project's own benchmark, as ratios (BENCH_ARGS=...)
	$(BIN)/caseq bench $(BENCH_ARGS)

wheel: $(VENV)/.dev  ## build sdist and wheel into dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation

# What the demo and the tests use of the optional dependencies is in the locks; other database drivers are not.
EXTRAS := --extra files --extra mariadb --extra notices
# Keeps the pins that still fit; LOCK_ARGS=--upgrade takes the newest of everything.
# The development lock comes first and bounds the other, so both name the same versions.
UV = env -u UV_INDEX -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS .lock-venv/bin/uv --no-config pip compile --quiet \
	--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock" $(LOCK_ARGS)
lock:  ## resolve pyproject.toml into the two lock files (LOCK_ARGS=--upgrade)
	$(PYTHON) -m venv .lock-venv
	.lock-venv/bin/python -m pip --quiet install --upgrade uv
	$(UV) pyproject.toml $(EXTRAS) --group dev -o requirements-dev.lock
	$(UV) pyproject.toml $(EXTRAS) --group build -c requirements-dev.lock -o requirements.lock
	@if grep -nE '[a-z]+://' requirements.lock requirements-dev.lock; then \
		echo "A lock file names a host or a folder: it would only work here." >&2; exit 1; fi

# var/ is left alone: it may hold a real database.
clean:  ## remove .venv, builds and caches; data in var/ stays
	rm -rf $(VENV) .lock-venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "caseq needs Python 3.11 or newer; '$(PYTHON)' is missing or older." >&2; \
		echo "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' cannot make a virtual environment." >&2; \
		echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.made requirements.lock pyproject.toml
	@echo "Installing into $(VENV) what requirements.lock names (once; some minutes on a slow line) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# The development lock holds all of the runtime lock, hence both stamps.
$(VENV)/.dev: $(VENV)/.made requirements-dev.lock requirements.lock pyproject.toml
	@echo "Installing into $(VENV) what requirements-dev.lock names (once; some minutes on a slow line) ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.runtime $@
