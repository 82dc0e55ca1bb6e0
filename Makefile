# `make demo` and `make test` set up all they need in .venv; a second call does only what changed.
# The variables can be given on the command line: make test PYTHON=python3.12 WORKERS=4

PYTHON ?= python3.11
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
DEMO := build/demo

.PHONY: help demo test lint shapes wheel clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    compare the shipped models on the sample data: $(DEMO)/report.html"
	@echo "make test    lint, types, import directions and all tests"
	@echo "make lint    the first three alone"
	@echo "make wheel   build/dist/*.whl"
	@echo "make clean   remove what the others made, the virtual environment included"

# --- set-up: a stamp a set of extras, renewed when what is to be installed changes ---------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; say where it is: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing squeezebert and torch into $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[torch]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@echo "installing the tools for development into $(VENV)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# --- what people call -----------------------------------------------------------------------------

demo: $(VENV)/.demo
	@$(BIN)/squeezebert compare \
		--data sample_dialogues --data sample_news --data sample_ner_en --data sample_ner_de --threads 1 \
		--output $(DEMO)
	@echo "open $(DEMO)/report.html"

lint: $(VENV)/.dev
	@$(BIN)/ruff check --quiet --output-format concise . && $(BIN)/ruff format --quiet --check . && echo "ruff: clean"
	@$(BIN)/basedpyright --level error --pythonpath $(BIN)/python
	@$(BIN)/lint-imports

# The shapes in the model's signatures, checked at each call of its tests.
shapes: $(VENV)/.dev
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) -m "not slow" tests/model \
		--jaxtyping-packages=squeezebert.model.grouped_linear,squeezebert.model.encoder,squeezebert.model.heads,beartype.beartype

test: lint shapes
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS)

wheel: $(VENV)/.dev
	@$(BIN)/python -m build --wheel --no-isolation --outdir build/dist .

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
