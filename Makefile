# The two commands that a newcomer needs: `make run` and `make test`. Both set up what they need the first time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# More for pip, for instance an index that has CPU builds of PyTorch (see the README).
PIP_FLAGS ?=

.PHONY: run test format check evaluate bench schemas clean

run: $(VENV)/.installed
	@$(BIN)/python -m app serve

test: $(VENV)/.installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m app check
	@$(BIN)/python tests/browser/chromium.py --download
	$(BIN)/python -m pytest --cov --cov-report=term

format: $(VENV)/.installed-tests
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: $(VENV)/.installed
	@$(BIN)/python -m app check

evaluate: $(VENV)/.installed-tests
	@mkdir -p build
	@$(BIN)/python -m app evaluate --by origin --by kind --by question --json build/evaluation.json --plot build/evaluation.png
	@$(BIN)/python -m app evaluate --exams --json build/exams.json

bench: $(VENV)/.installed-tests
	@$(BIN)/python -m pytest -m bench -s --benchmark-columns=min,median,max,rounds tests/bench

schemas: $(VENV)/.installed
	@$(BIN)/python -m app schemas

clean:
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* greenroom.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Greenroom needs Python 3.11 or newer; $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Making the virtual environment failed. On Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Greenroom's dependencies; the first time this takes some minutes."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-tests: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[test]'
	@touch $@
