# Two commands for strangers: `make run` and `make test`. Both set everything up first.
# Nothing but Python 3.11+ and make is needed; set PYTHON to choose the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOG := $(VENV)/install.log

# Bytecode is kept, whatever this shell says: without it every process of the tests compiles the program again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run live test test-all slowest coverage mutants lint types sample compare bench calibrate golden chaos supply release-check docs clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## make .venv and install everything with pinned versions

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "eventstudy needs Python 3.11 or newer; set PYTHON")'
	@test -x $(BIN)/python || { echo "making $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing the package and its tools into $(VENV), about a minute (log: $(LOG))"
	@{ $(BIN)/python -m pip install --upgrade 'pip>=25.1' \
		&& $(BIN)/python -m pip install --constraint constraints.txt --group dev --editable .; } > $(LOG) 2>&1 \
		|| { tail -n 25 $(LOG) >&2; echo "error: the installation failed; the whole log is $(LOG)" >&2; exit 1; }
	@touch $@

run: $(STAMP) ## events.csv -> reports/, audited by statsmodels
	$(BIN)/eventstudy run events.csv --audit -o reports

live: $(STAMP) ## events.csv with live prices -> reports-live/
	$(BIN)/eventstudy run events.csv --source auto -o reports-live

test: $(STAMP) ## every behaviour, in minutes
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

test-all: $(STAMP) ## the slow rest: long simulations, campaigns, browsers, clusters
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

slowest: $(STAMP) ## the twenty tests of `make test` that take most processor time
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow" --slowest 20

coverage: $(STAMP) ## lines and branches that both parts of the suite run -> build/coverage
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group measure
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n auto --dist worksteal -m "not slow"
	$(BIN)/python -m coverage run -m pytest -n auto --dist worksteal -m slow
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report --skip-covered --show-missing

mutants: $(STAMP) ## 150 seeded mutants of the engine against its tests and the oracles; SEED=n draws others
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group measure
	$(BIN)/python -m tests.mutants $(if $(SEED),--seed $(SEED)) $(MUTANTS)

lint: $(STAMP) ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## strict types
	$(BIN)/mypy

compare: $(STAMP) ## rebuild the sample report elsewhere and compare it by value
	rm -rf .sample
	$(BIN)/eventstudy run events.csv --audit -o .sample
	$(BIN)/python tests/compare_reports.py reports .sample
	rm -rf .sample

BENCHES := startup api intake tables placebo battery accuracy kernels simd ranked real extra peers whole sizes shares lean

bench: $(STAMP) ## start-up, speed and accuracy, as ratios measured side by side -> build/bench; about an hour
	mkdir -p build/bench
	for part in $(BENCHES); do \
		$(BIN)/python -m bench.$$part > build/bench/$$part.txt || exit 1; \
		cat build/bench/$$part.txt; \
	done

calibrate: $(STAMP) ## observed sizes of every test, full replications
	EVENTSTUDY_REPLICATIONS=4000 $(BIN)/python -m pytest -q -s tests/properties/test_sizes.py tests/properties/test_regression_sizes.py
	EVENTSTUDY_REPLICATIONS=4000 $(BIN)/python -m pytest -q -n 0 -s tests/properties/test_calibration.py
	$(BIN)/python -m tests.properties.calibrate --replications 4000
	$(BIN)/python -m tests.properties.spans_validation --batches 51 --workers 2
	$(BIN)/python -m tests.properties.dates_validation --batches 51 --workers 2
	$(BIN)/python -m tests.properties.headline_validation --workers 2
	$(BIN)/python -m tests.properties.groups_validation --workers 2
	$(BIN)/python -m tests.properties.real_placebos
	$(BIN)/python -m tests.properties.backtest_seeds --seeds 200

golden: $(STAMP) ## record again what commands print (tests/cli/golden), after an intended change
	WRITE_GOLDEN=1 $(BIN)/python -m pytest -q -n 0 tests/cli/test_golden.py
	git diff --stat -- tests/cli/golden

chaos: $(STAMP) ## faults, damage, kills and fuzzing at random; SEED=n repeats a campaign
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(CHAOS)

supply: $(STAMP) ## licences, bill of materials, known troubles of what this is built on -> build/supply
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group supply
	$(BIN)/python .ci/supply.py build/supply

release-check: $(STAMP) ## wheel and sdist built, installed outside the checkout and used -> build/release/dist
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group release
	$(BIN)/python .ci/release.py build/release

docs: $(STAMP) ## the documentation site, every link checked -> build/site
	$(BIN)/mkdocs build --strict --quiet

clean: ## remove what was made
	rm -rf $(VENV) .sample build *.egg-info
