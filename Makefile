# `make run` and `make test` need nothing but make and python3 (3.11 or newer): they set everything else up.

# The first of these that qualifies is used. PYTHON=/path/to/python chooses another.
PYTHON ?= python3.13 python3.12 python3.11 python3
# Processes that run tests.
WORKERS ?= 2

BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help run setup models test lint format generate lock bench eval clean
.DEFAULT_GOAL := help

help:
	@echo "make run       set up and serve on http://127.0.0.1:8080 (RAGSQL_PORT changes the port)"
	@echo "make test      set up and run every test"
	@echo "make lint      check style, types, layers and the contract"
	@echo "make setup     install only; leaves .venv/bin/ragsql"
	@echo "make models    get the models that run on this machine"
	@echo "make generate  regenerate gen/ from proto/"
	@echo "make lock      resolve the locked dependencies again"
	@echo "make bench     measure speed and memory"
	@echo "make eval      measure how right the answers are (DATA=folder has the full data sets)"
	@echo "make clean     remove .venv and caches; models and data stay"

run: setup
	@$(BIN)/ragsql models pull || echo "Starting with the models that are here; \`ragsql models pull\` tries again."
	@exec $(BIN)/ragsql serve

setup: $(INSTALLED)

models: setup
	@$(BIN)/ragsql models pull

test: setup models
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	$(BIN)/lint-imports --no-cache
	scripts/protodeps
	$(BIN)/buf lint
	scripts/check-breaking
	scripts/check-generated
	scripts/check-workflows

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: setup
	scripts/generate

LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet
lock: setup
	@{ echo "# Every dependency of ragsql and of its development, for Python 3.11 to 3.13, with the hashes of all files."; \
	   echo "# Made by \`make lock\` from pyproject.toml."; \
	   $(LOCK) --group dev --extra lambda; } > .venv/requirements.lock
	@mv .venv/requirements.lock requirements.lock
	@{ echo "# The part of requirements.lock that the service needs. Made by \`make lock\`."; \
	   $(LOCK) --constraint requirements.lock; } > .venv/requirements.lock
	@mv .venv/requirements.lock requirements-runtime.lock

bench: setup models
	$(BIN)/python -m benchmarks

eval: setup models
	$(BIN)/python -m evals $(DATA)

clean:
	rm -rf .venv .cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist

$(INSTALLED): requirements.lock pyproject.toml
	@chosen=; old=; \
	for python in $(PYTHON); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  old=$$python; \
	  if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then chosen=$$python; break; fi; \
	done; \
	if [ -z "$$old" ]; then \
	  echo "ragsql needs Python 3.11 or newer, and none of these is: $(PYTHON). Install one, or name one: make PYTHON=/path/to/python" >&2; exit 1; \
	fi; \
	if [ -z "$$chosen" ]; then \
	  echo "$$old cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  "$$chosen" -m venv --clear .venv || exit 1; \
	fi; \
	echo "Installing the dependencies into .venv; the first time takes a few minutes."; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . && \
	touch $@
