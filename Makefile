# Few words, each explains itself: `make help`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TESTS  ?= tests
LOCK   := uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
          --no-header --no-annotate -p 3.11 pyproject.toml clients/python/pyproject.toml --extra grpc

.PHONY: help
help: ## Show these words
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# ---------------------------------------------------------------- environment

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Epochal needs Python 3.11 or newer; this is $$($(PYTHON) -V). Try: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q uv || echo "uv is not to be had: pip will do its work"
	@test -e $(BIN)/uv || ln -s pip $(BIN)/uv

# install(lock, stamp): the locked packages, then our own two distributions, editable.
define install
	@if [ -L $(BIN)/uv ]; then P="$(BIN)/pip install -q"; else P="env VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install -q"; fi; \
	  set -e; $$P --require-hashes -r $(1); $$P --no-deps -e . -e clients/python
	@touch $@
endef

$(VENV)/.run: $(BIN)/uv requirements.lock pyproject.toml clients/python/pyproject.toml
	$(call install,requirements.lock)

$(VENV)/.dev: $(BIN)/uv requirements-dev.lock pyproject.toml clients/python/pyproject.toml
	$(call install,requirements-dev.lock)

.PHONY: run
run: $(VENV)/.run ## Start everything here: API, gRPC, worker, broker, SQLite in ./data
	@exec $(BIN)/epochald up

.PHONY: test
test: $(VENV)/.dev ## Run the tests (TESTS=tests/specs for a part)
	$(BIN)/python -m pytest $(TESTS) -m "not chaos and not training" -n 2 --dist loadfile $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## Everything that can be checked without running it: style, types, room order, wires, locks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint protos
	$(BIN)/buf format --diff --exit-code protos
	@if git rev-parse -q --verify main:protos/buf.yaml >/dev/null; then \
	  echo buf breaking; $(BIN)/buf breaking protos --against '.git#branch=main,subdir=protos'; fi
	$(BIN)/python protos/generate.py --check
	$(BIN)/python -m epochal_service.rest.openapi --check

.venv-oracles/.done: $(BIN)/uv
	$(PYTHON) -m venv .venv-oracles
	.venv-oracles/bin/pip install -q 'torch>=2.4' 'scikit-learn>=1.5' 'numpy>=2.3' \
	  'pytest>=9' 'pytest-timeout>=2.4' 'hypothesis>=6.150'
	@touch $@

.PHONY: check-oracles
check-oracles: .venv-oracles/.done ## Hold the engine against PyTorch (installs it, into a venv of its own)
	PYTHONPATH=engine .venv-oracles/bin/python -m pytest tests/oracles --noconftest -q $(ARGS)

.PHONY: check-training
check-training: $(VENV)/.dev ## Train what takes longer to learn: memory, sequences, text
	$(BIN)/python -m pytest tests -m training --timeout 1200 -q $(ARGS)

.PHONY: bench-engine
bench-engine: .venv-oracles/.done ## The engine beside PyTorch eager, on one thread
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYTHONPATH=engine:benchmarks .venv-oracles/bin/python benchmarks/engine.py $(ARGS)

.PHONY: protos
protos: $(VENV)/.dev ## Generate the stubs and protos/openapi.json anew
	$(BIN)/buf format --write protos
	$(BIN)/python protos/generate.py
	$(BIN)/python -m epochal_service.rest.openapi

.PHONY: bench
bench: $(VENV)/.dev ## Run every benchmark, side by side with its peers where they are installed (ARGS=--quick)
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script $(ARGS) || exit 1; done

.PHONY: chaos
chaos: $(VENV)/.dev ## Kill and stall real processes over both databases, at length (ROUNDS=60)
	EPOCHAL_CHAOS_ROUNDS=$(or $(ROUNDS),60) $(BIN)/python -m pytest tests/chaos -m chaos --timeout 3600 -s $(ARGS)

.PHONY: lock
lock: $(BIN)/uv ## Resolve the dependencies anew
	$(BIN)/$(LOCK) -o requirements.lock
	$(BIN)/$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock
