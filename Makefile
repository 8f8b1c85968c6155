# Every target sets itself up in .venv: Python 3.11 or newer and pip are all it needs.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal

.PHONY: demo test test-tools test-all check clean

demo: $(READY)
	$(BIN)/artist-nst demo

test: $(READY)
	$(PYTEST) -m "not tools and not browser"

# The stand-in for WikiArt, the scripts, and the studio in Chromium.
test-tools: $(READY)
	$(PYTEST) -m "tools or browser"

test-all: test test-tools

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

$(READY): pyproject.toml constraints.txt
	@echo "Setting up .venv, once: this downloads torch and what it needs, up to 3 GB"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -q \
		-c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv demo
