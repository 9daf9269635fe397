# Everything a developer or CI types. The virtual environment is built once; while its stamp is newer than
# pyproject.toml and constraints.txt no target needs a network. PYTHON chooses the interpreter (3.11 or newer) and
# rebuilds an environment of another version; not given, an existing environment is kept, and a new one is python3's.

VENV   := .venv
BIN    := $(VENV)/bin
# Live tests wait more than they work: four of them keep two cores busy, and whoever is idle takes over what waits.
JOBS   ?= 4
SPREAD := -n $(JOBS) --dist worksteal
ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell $(BIN)/python -c '' 2>/dev/null && echo $(BIN)/python || echo python3)
endif

PYTHON_TAG := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
STAMP      := $(VENV)/.installed-$(PYTHON_TAG)

.DEFAULT_GOAL := help
.PHONY: help venv demo csms test test-all lint format bench soak wheel constraints clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## build the virtual environment

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "$(PYTHON) is too old or missing: cpfarm needs Python 3.11 or newer, e.g. make PYTHON=python3.12" >&2; exit 1; }
	@$(BIN)/python -c 'import pip, sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(PYTHON_TAG)")' 2>/dev/null \
	    || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP) ## a small farm against the embedded reference CSMS
	$(BIN)/cpfarm demo

csms: $(STAMP) ## the reference CSMS alone, as a target
	$(BIN)/cpfarm csms

test: $(STAMP) ## the whole loop without what is marked slow: lint, types, rules, behaviour
	$(BIN)/pytest $(SPREAD) -q -m "not slow"

test-all: $(STAMP) ## every test
	$(BIN)/pytest $(SPREAD) -q

lint: $(STAMP) ## ruff and mypy alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## measure the hot paths
	$(BIN)/python -m simulator.bench

wheel: $(STAMP) ## build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

soak: $(STAMP) ## 2,000 stations of all products, every fault, five minutes; then every transaction is accounted for
	$(BIN)/python -m simulator.soak

constraints: $(STAMP) ## write down the versions that are installed now
	{ echo "# The exact versions that are tested together, for 'pip install -c'. Renewed with 'make constraints'."; \
	  $(BIN)/python -m pip freeze --exclude-editable; } > constraints.tmp
	mv constraints.tmp constraints.txt
	@touch $(STAMP)

clean: ## remove caches and build products
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find simulator loadtests tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean ## also remove the virtual environment
	rm -rf $(VENV)
