# Both set themselves up in .venv: Python 3.11 or newer and pip are all they need.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test check clean

demo: $(READY)
	$(BIN)/artist-nst demo

test: $(READY)
	$(BIN)/python -m pytest

# What CI asks besides the tests.
check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -q \
		-c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv demo
