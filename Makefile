# Everything happens in .venv, which the first target to need it creates. Only Python 3.11 or newer and make are needed.
# Another interpreter: make test PYTHON=/path/to/python3.13
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --no-input

.PHONY: help setup demo test fuzz fuzz-inputs mutants sanitize lint types stub bench gallery notebooks playground site site-links clean

help:
	@echo 'make demo       set up what the demo needs and run it; the pictures go to out/'
	@echo 'make test       set up everything and run the tests'
	@echo 'make setup      set up .venv with everything the developers need'
	@echo 'make fuzz       random graphs against mpmath for a minute; make fuzz ARGS="--help" for the options'
	@echo 'make fuzz-inputs  expressions, files and names that somebody made up, by atheris'
	@echo 'make mutants    changes of the source that a test must notice; make mutants ARGS="--help" for the options'
	@echo 'make sanitize   the tests of the engine in C under AddressSanitizer'
	@echo 'make lint       ruff: rules and format'
	@echo 'make types      a strict type check (mypy)'
	@echo 'make stub       write autograd/_methods.pyi from the table of operations'
	@echo 'make bench      speed and memory beside micrograd; make bench ARGS="--help" for the options'
	@echo 'make gallery    every kind of picture at four sizes, light and dark, in every format, on one page'
	@echo 'make notebooks  run every notebook again and store its outputs'
	@echo 'make playground  the page that runs it all in a browser, in build/playground; it takes npm packages'
	@echo 'make site       the site with the course, the reference and every operation, into build/site'
	@echo 'make site-links the links of the site that lead elsewhere (needs the network)'
	@echo 'make clean      remove .venv and everything that was generated'

# python3 may be an old one, or a launcher that is on PATH and runs nothing: so each candidate is asked to run.
# An interpreter that was named (PYTHON=...) is the only candidate.
ifeq ($(origin PYTHON),file)
CANDIDATES := $(PYTHON) python3.14 python3.13 python3.12 python3.11 python
else
CANDIDATES := $(PYTHON)
endif

$(BIN)/python:
	@for candidate in $(CANDIDATES); do \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	        echo "Creating .venv with $$("$$candidate" --version)"; \
	        if "$$candidate" -m venv .venv; then exit 0; fi; \
	        rm -rf .venv; \
	        echo "make: $$candidate could not create a virtual environment (its own message is above)." >&2; \
	        echo "      On Debian and Ubuntu the missing piece is the package python3-venv." >&2; \
	        exit 1; \
	    fi; \
	done; \
	echo "make: chalkgrad needs Python 3.11 or newer; none of these is one: $(CANDIDATES)." >&2; \
	echo "      Install one, or name it: make PYTHON=/path/to/python3.13 $(MAKECMDGOALS)" >&2; \
	exit 1

# A stamp file per set of packages, so that the second run starts at once; a change of what is built installs again.
BUILD := pyproject.toml hatch_build.py autograd/_native.c autograd/_traced.c
.venv/.plot: $(BUILD) | $(BIN)/python
	@echo 'Installing chalkgrad with matplotlib into .venv'
	@$(PIP) install --editable '.[plot]'
	@touch $@

.venv/.dev: $(BUILD) | $(BIN)/python
	@echo 'Installing chalkgrad with everything its developers need into .venv (a minute or two)'
	@$(PIP) install --editable '.[dev]'
	@touch .venv/.plot $@

.venv/.fuzz: .venv/.dev
	@$(PIP) install --editable '.[fuzz]'
	@touch $@

.venv/.docs: .venv/.dev
	@echo 'Installing what builds the site into .venv'
	@$(PIP) install --editable '.[docs]'
	@touch $@

setup: .venv/.dev

demo: .venv/.plot
	$(BIN)/python -m autograd demo $(ARGS)

# Once with each engine; where the native one could not be built, chalkgrad doctor says why. What a browser or LaTeX makes
# of a page does not depend on the engine, so those tests run once.
test: .venv/.dev
	@if $(BIN)/python -c 'import autograd, sys; sys.exit(autograd.engine != "native")'; then \
	    set -ex; \
	    CHALKGRAD_ENGINE=python $(BIN)/python -m pytest -n auto -m "not browser and not tex and not site" $(ARGS); \
	    CHALKGRAD_ENGINE=native $(BIN)/python -m pytest -n auto -m "not site" $(ARGS); \
	else \
	    set -ex; \
	    CHALKGRAD_ENGINE=python $(BIN)/python -m pytest -n auto -m "not site" $(ARGS); \
	    echo 'The native engine is not there, so its tests did not run: see $(BIN)/chalkgrad doctor'; \
	fi

fuzz: .venv/.dev
	$(BIN)/python tests/fuzz.py $(ARGS)

fuzz-inputs: .venv/.fuzz
	$(BIN)/python tests/fuzz_inputs.py $(ARGS)

mutants: .venv/.dev
	$(BIN)/python tests/mutants.py $(ARGS)

# The engine in C once more, built to watch every access to memory and every step outside the standard.
sanitize: .venv/.dev
	$(BIN)/python tests/sanitize.py

lint: .venv/.dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: .venv/.dev
	$(BIN)/python -m mypy

stub: .venv/.dev
	$(BIN)/python tests/stub.py

bench: .venv/.dev
	$(BIN)/python tests/benchmarks/run.py $(ARGS)

gallery: .venv/.dev
	$(BIN)/python -m tests.gallery

notebooks: .venv/.dev
	$(BIN)/jupyter-execute --inplace notebooks/*.ipynb

playground: .venv/.dev
	$(BIN)/python docs/playground/build.py $(ARGS)

# Notebooks run while it is built, and what is not as it should be is an error: a warning, a link that leads nowhere.
# Where npm finds nothing (no network), the playground is left out.
SPHINX = $(BIN)/python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet -d build/doctrees
site: .venv/.docs
	@rm -rf build/playground
	@$(MAKE) playground ARGS='--home ../index.html' || echo 'The playground could not be built, so it is left out of the site.'
	rm -rf build/site
	$(SPHINX) -b html docs build/site
	@if [ -f build/playground/index.html ]; then cp -R build/playground build/site/playground; fi
	@echo 'The site is in build/site: open build/site/index.html'

site-links: .venv/.docs
	$(SPHINX) -b linkcheck docs build/site-links

clean:
	rm -rf .venv .bench out build dist docs/course docs/operations docs/reference autograd/_native.*.so autograd/_native.*.pyd autograd/_native.log .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find autograd nn tests docs -type d -name __pycache__ -prune -exec rm -rf {} +
