.PHONY: setup demo test lint bench
VENV := .venv
BIN := $(VENV)/bin

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml
	python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/python recipes/synthetic/demo.py

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

lint: setup
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

bench: setup
	for question in startup speed samplers triplet metrics asnorm trials augmentation loading identify; do $(BIN)/python benchmarks/$$question.py || exit 1; done
