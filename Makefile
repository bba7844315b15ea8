# Everything here needs only Python >= 3.11 (with venv and pip), make and a Python package index.
# `make up` sets up and boots the quickstart; `make test` is what CI runs.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
CONFORMANCE := $(wildcard booty-*/tests/*/test_conformance*.py booty-*/tests/test_conformance*.py) \
	tests/integration/test_events_matrix.py
QUICKSTART := examples/quickstart/booty.toml
MANIFESTS := pyproject.toml uv.lock $(wildcard booty-*/pyproject.toml)
# with the machine's own list of authorities, as pip has them (the name changed between versions)
UV := UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 UV_PROJECT_ENVIRONMENT=$(VENV) UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 $(BIN)/uv
EDITABLE := -e . -e booty-core $(foreach d,$(wildcard booty-provider-*),-e $(d))

.DEFAULT_GOAL := help
.PHONY: help up down test test-fetch lint types floors unit e2e-minio conformance docs bench large chaos soak dist changelog clean

help:
	@echo 'make up         set up .venv and boot the quickstart (a NATS server and a web shop)'
	@echo 'make down       stop the quickstart; its data is kept'
	@echo 'make test       everything CI checks: lint, types, floors, tests, real NATS, wheels'
	@echo 'make test-fetch  fetch real programs from every kind of source, build some; half an hour'
	@echo 'make e2e-minio the S3 provider with every engine that can be had here; Go may build some'
	@echo 'make bench      measure, print the table of docs/explanation/performance.md'
	@echo 'make chaos      kill at every system call, and at random; some 20 minutes'
	@echo 'make soak       200 services for 10 minutes, one killed every second'
	@echo 'make conformance  run every driver through the suite, every change through every engine; write the tables'
	@echo 'make docs       write the generated pages again'
	@echo 'make dist       build the wheels into dist/'

up: $(VENV)/.installed
	@$(BIN)/booty --file $(QUICKSTART) up -d

down: $(VENV)/.installed
	@$(BIN)/booty --file $(QUICKSTART) down

test: lint types floors unit

# every kind of source, from nothing: what apt gives, and five programs built by Go; half an hour
test-fetch: $(VENV)/.developed
	rm -rf .fetched
	BOOTY_TEST_FETCH=all $(BIN)/pytest -v -rs tests/fetch

lint: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.developed
	$(BIN)/mypy

floors: $(VENV)/.developed
	$(BIN)/lint-imports

# what failed may have failed because of its neighbours on a busy machine: it is told, and tried
# once more alone; what fails then, fails
unit: $(VENV)/.developed
	$(BIN)/pytest -q -n 2 --dist worksteal || { test $$? -eq 1 || exit 1; \
		echo 'some failed: each of them once more, alone' >&2; \
		$(BIN)/pytest -q --last-failed --last-failed-no-failures none; }

# engines are taken from PATH and BOOTY_TEST_<ENGINE>, else got as a user gets them; skips say why
e2e-minio: $(VENV)/.developed
	BOOTY_TEST_FETCH=1 BOOTY_TEST_PUTS=1000 $(BIN)/pytest -q --timeout 3600 -m real booty-provider-minio/tests $(wildcard tests/integration/test_events*.py)

# runs the conformance suite of portable clients, and every change of an object on every engine, and
# writes the tables driver x case and change x engine by their outcome; what cannot be had stays
conformance: $(VENV)/.developed
	BOOTY_CONFORMANCE=docs/reference/conformance $(BIN)/pytest -q $(CONFORMANCE)
	$(BIN)/python docs/generate.py

docs: $(VENV)/.developed
	$(BIN)/python docs/generate.py

bench: $(VENV)/.developed
	$(BIN)/python bench/run.py

# every fault point, and a long run of random ones; some 20 minutes
chaos: $(VENV)/.developed
	BOOTY_FAULTS=all BOOTY_CHAOS_STEPS=200 $(BIN)/pytest -q -n 2 --dist worksteal -rP \
		tests/chaos booty-core/tests/run/test_rotation.py

# make large, make large URL='s3://…?…' GIB=1
large: $(VENV)/.developed
	$(BIN)/python bench/large.py $(if $(URL),--url '$(URL)') $(if $(GIB),--gib $(GIB))

soak: $(VENV)/.developed
	$(BIN)/python bench/soak.py $(SERVICES) $(SECONDS)

dist: $(VENV)/.developed
	$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps -w dist $(patsubst %,./%,. booty-core $(wildcard booty-provider-*))

changelog: $(VENV)/.developed
	$(BIN)/towncrier build --draft

clean:
	rm -rf $(VENV) dist

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'cannot find Python 3.11 or newer: install it, or name it: make PYTHON=/path/to/python3 up' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo 'cannot make $(VENV): python3 lacks venv or pip (on Debian: apt install python3-venv)' >&2; exit 1; }

# uv installs what uv.lock says; where it is not to be had or cannot (an index that only pip is
# configured for), pip does it.
$(VENV)/.installed: $(MANIFESTS) | $(BIN)/python
	@echo 'setting up $(VENV) …' >&2
	@test -x $(BIN)/uv || $(BIN)/python -m pip install -q --disable-pip-version-check 'uv>=0.9' || true
	@{ test -x $(BIN)/uv && $(UV) sync -q --frozen --inexact --no-dev --all-packages --python $(BIN)/python; } \
		|| $(BIN)/python -m pip install -q --disable-pip-version-check $(EDITABLE)
	@touch $@

$(VENV)/.developed: $(MANIFESTS) | $(VENV)/.installed
	@{ test -x $(BIN)/uv && $(UV) sync -q --frozen --inexact --all-packages --python $(BIN)/python; } \
		|| { $(BIN)/python -m pip install -q --disable-pip-version-check -U 'pip>=25.1' \
		&& $(BIN)/python -m pip install -q --disable-pip-version-check $(EDITABLE) --group dev; }
	@touch $@
