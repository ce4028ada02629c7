# Every target sets up what it needs: a fresh machine wants only Python >= 3.11 and make.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 2
# Bytecode is compiled at once, since a start-up without it takes twice as long; but for what only some tests and no start use.
UNCOMPILED := sympy|mpmath|networkx|cfnlint|moto|samtranslator|ministack|scipy|sklearn|pip

.DEFAULT_GOAL := help
.PHONY: help venv demo test check soak bench docs format lock wheel clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(READY) ## build .venv with every extra

$(READY): pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "perfctl needs Python >= 3.11 on PATH (or make PYTHON=/path/to/python)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) UV_HTTP_TIMEOUT=180 $(BIN)/uv pip install --quiet --require-hashes -r requirements.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@$(BIN)/python -m compileall -q -j 0 -x '/($(UNCOMPILED))/' $(VENV)/lib/python*/site-packages perfctl || true
	@touch $@

demo: venv ## watch the main jobs work on real servers
	@$(BIN)/python -m compileall -q perfctl
	@$(BIN)/perfctl demo

test: venv ## the whole suite, a fixed-seed sample of every campaign
	@$(BIN)/python -m compileall -q perfctl
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -q

check: venv ## lint, types, layers, generated texts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

soak: venv ## the campaigns in full
	PERFCTL_SOAK=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -q --timeout 3600

bench: venv ## the ratios, written as JSON to bench-results/
	@$(BIN)/python -m compileall -q perfctl
	$(BIN)/python -m tests.bench

docs: venv ## write the generated parts of README.md, configs/ and docs/ again
	$(BIN)/python docs/generate.py

format: venv ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: venv ## resolve the dependencies again
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --all-extras --no-annotate --no-header \
		--python-version 3.11 pyproject.toml -o requirements.lock

wheel: venv ## build the wheel into dist/
	$(BIN)/uv build --quiet --wheel

clean: ## remove what make built
	rm -rf $(VENV) build dist bench-results .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
