# Works in a path with spaces: every path here is relative.
SHELL := /bin/sh
VENV := .venv
PYTHON := $(VENV)/bin/python
DONE := $(VENV)/.installed
DIST := dist
WHEEL := $(DIST)/.compiled
UNPACKED := build/compiled
PYTEST_ARGS ?=
SEED ?=

.DEFAULT_GOAL := help

# Without the working folder in front, where Python would find the source.
COMPILED = PYTHONSAFEPATH=1 PYTHONPATH="$(CURDIR)/$(UNPACKED):$(CURDIR)" $(PYTHON)

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

setup: $(DONE) ## a virtual environment in .venv with all that the other targets need

$(DONE): requirements-dev.txt pyproject.toml
	@sh .make/venv.sh $(VENV) requirements-dev.txt
	@touch $(DONE)

demo: setup ## three anomalies and a calm on a real cluster: what the subject says, what is done, that it helps (SEED=7 to repeat one)
	@$(PYTHON) -m loadtest demo $(if $(SEED),--seed $(SEED))

scenarios: setup ## each anomaly and each calm, on one real cluster (a quarter of an hour; SEED=7 to repeat a run)
	@$(PYTHON) -m loadtest run $$($(PYTHON) -m loadtest list | cut -d ' ' -f 1) $(if $(SEED),--seed $(SEED))

evaluate: setup ## how well the subject finds what is wrong: all scenarios, recorded in RUNS (runs) and scored (an hour)
	@$(PYTHON) -m loadtest evaluate --record "$(or $(RUNS),runs)" $(ARGS)

test: setup ## all tests that need nothing but Python packages
	@$(PYTHON) -m pytest -m "not system" -n 3 --dist worksteal $(PYTEST_ARGS)

test-compiled: compiled ## the tests of the gateway on its compiled code (needs a C compiler)
	@$(COMPILED) -m pytest --compiled tests/unit/contract tests/unit/gateway tests/integration/gateway tests/lanes \
		tests/model -m "not system" -n 4 --dist worksteal $(PYTEST_ARGS)
	@$(COMPILED) -m pytest --compiled tests/e2e -m "not system" -n 3 --dist worksteal $(PYTEST_ARGS)

test-all: ## both of these on each Python from 3.11 on that this machine has; says which it found
	@sh .make/test_all.sh

model: setup ## the limiter in simulated schedules for SECONDS (300), from SEED on; make test runs two thousand
	@$(PYTHON) -m tests.model --schedules 1000000000 --seconds $(or $(SECONDS),300) --seed $(or $(SEED),$$(date +%s)) --jobs 2

lanes: setup ## CASES (200000) with the memo of heads on and off, from SEED on; nothing but speed may differ
	@$(PYTHON) -m tests.lanes --cases $(or $(CASES),200000) --seed $(or $(SEED),$$(date +%s)) --jobs 2

# The build before the request engine.
BASELINE := cec548bf4aff75445dcecf049e3e5a867a43272e
RECORDING := build/baseline.rec

$(RECORDING): $(DONE)
	@rm -rf build/baseline && mkdir -p build && git worktree prune
	@git worktree add --quiet --detach build/baseline $(BASELINE)
	@cd build/baseline && PYTHONPATH="$$PWD" ../../$(PYTHON) -m tests.lanes --record ../baseline.rec \
		--cases $(or $(CASES),1000000) --jobs 2
	@git worktree remove --force build/baseline

record: $(RECORDING) ## what the build before the engine does in CASES (1000000) generated cases (half an hour)

compare: $(RECORDING) ## in which of these cases this build differs
	@$(PYTHON) -m tests.lanes --against $(RECORDING) --jobs 2

fuzz: setup ## inputs that are almost right, for SECONDS (300), from SEED on; make test tries a few hundred
	@$(PYTHON) -m tests.fuzz --seconds $(or $(SECONDS),300) --seed $(or $(SEED),$$(date +%s))

soak: setup ## good and bad traffic at a node for SECONDS (300), RPS (500) requests a second; nothing may grow
	@$(PYTHON) -m tests.soak --seconds $(or $(SECONDS),300) --rps $(or $(RPS),500)

bench: compiled ## what a request costs, beside nginx and others that are installed (ARGS="--only allowed --rounds 2")
	@$(COMPILED) -m loadtest bench $(ARGS)

wheel: $(WHEEL) ## dist/*.whl, with the hot path compiled (needs a C compiler)

$(WHEEL): $(DONE) hatch_build.py pyproject.toml $(shell find gateway subject loadtest -type f ! -name '*.pyc')
	@rm -f $(DIST)/*.whl
	@HATCH_BUILD_HOOKS_ENABLE=1 $(PYTHON) -m hatchling build -t wheel -d $(DIST)
	@touch $(WHEEL)

compiled: $(UNPACKED)/.unpacked ## the same unpacked: PYTHONPATH=build/compiled .venv/bin/gateway runs it
	@PYTHONPATH=$(UNPACKED) $(VENV)/bin/gateway --version

$(UNPACKED)/.unpacked: $(WHEEL)
	@rm -rf $(UNPACKED)
	@$(PYTHON) -m zipfile -e $(DIST)/*.whl $(UNPACKED)
	@touch $@

check: setup ## formatting, lint and types
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy

docs: setup ## a site of docs/ in site/, with all links checked
	@NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --quiet --site-dir site
	@echo "site/index.html"

pictures: setup ## those of the dashboard in docs/pictures, from a real cluster (needs Chromium; three minutes)
	@$(PYTHON) -m tests.pictures

reference: setup ## the parts of docs/ that are made from the code: commands, rules, metrics, types of settings
	@$(PYTHON) -m tests.reference

readme: setup ## the README's demo output, from a run: its start and its end
	@COLUMNS=110 $(PYTHON) -m loadtest demo --seed 19 > .demo.txt && $(PYTHON) .make/readme.py < .demo.txt; \
		status=$$?; rm -f .demo.txt; exit $$status

# With extras in the lock: pip checks `package[extra]` against the newest release otherwise, not the locked one.
LOCK = uv pip compile -q --universal --generate-hashes --no-strip-extras --no-header \
	--no-emit-index-url --no-emit-find-links

lock: ## the lock files from pyproject.toml (needs uv)
	@$(LOCK) pyproject.toml -o requirements.txt
	@$(LOCK) --all-extras pyproject.toml -o requirements-dev.txt
	@$(LOCK) --constraint requirements-dev.txt --group build -o docker/requirements-build.txt
	@$(LOCK) --constraint requirements-dev.txt --extra loadtest pyproject.toml -o docker/requirements-loadtest.txt

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist site .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help evaluate scenarios setup demo test test-compiled test-all model lanes record compare fuzz soak bench wheel compiled check docs pictures reference readme lock clean
