# The chores of vision_assets. `make` alone lists them.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export VISION_ASSETS_HOME ?= $(CURDIR)/.vision_assets
export VISION_ASSETS_ENVIRONMENTS ?= $(CURDIR)/.vision_assets/environments
INSTALLED := $(VENV)/.installed
AUDIT := .audit
OTHERS := .others
# Two files at a time, a core each: threads that wait for each other beside others' only spin.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile

.PHONY: help setup demo up test test-slow test-faults lint types check bench bench-others quality docs site site-serve sbom audit requirements clean

help: ## List the chores
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  \033[36m%-14s\033[0m %s\n", $$1, $$2}'

setup: $(INSTALLED) ## Create the environments: .venv, and the clean one that services run in

$(INSTALLED): requirements.txt pyproject.toml bentos/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.txt
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q vision_assets
	$(BIN)/python -m vision_assets.serving.environment
	@touch $@

demo: setup ## The main job: samples (TASK=detection, ...) or IMAGES=DIR to an endpoint; ONCE=1 returns
	@$(BIN)/vision-assets demo $(if $(IMAGES),--images "$(IMAGES)") $(if $(TASK),--task "$(TASK)") $(if $(ONCE),--once)

up: setup ## Start Dagster, MLflow and the endpoints on what is there
	@$(BIN)/vision-assets up

test: setup ## The tests that take minutes; real images where VISION_ASSETS_TEST_DATA names them
	$(PYTEST) -m "not slow and not browser and not faults"

test-slow: setup ## Trainings of every family of networks, servers under load, the browser
	$(PYTEST) -m "(slow or browser) and not faults"

test-faults: setup ## The graph and its servers killed at work, again and again
	$(BIN)/python -m pytest -q -m faults

lint: setup ## Style, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup ## Types
	$(BIN)/pyright

check: lint types test test-slow test-faults ## Lint, types and all tests

bench: setup ## Benchmarks, side by side with what one would use instead
	$(BIN)/python -m benchmarks $(ROWS)

bench-others: $(OTHERS)/.installed ## Rows of the benchmarks that need others' packages; ROWS=... of them
	PYTHONPATH=$(CURDIR) $(OTHERS)/bin/python -m benchmarks $(ROWS)

$(OTHERS)/.installed: $(INSTALLED)
	$(BIN)/python -m venv $(OTHERS)
	echo "$(CURDIR)/$(VENV)/lib/python3.11/site-packages" > $(OTHERS)/lib/python3.11/site-packages/project.pth
	$(OTHERS)/bin/python -m pip install --quiet "pydeprecate<0.14" pycocotools anomalib
	$(OTHERS)/bin/python -m pip install --quiet --no-deps supervision
	@touch $@

quality: setup ## How good the default recipes are on real images; ROWS=... of them
	$(BIN)/python -m benchmarks.quality $(ROWS)

docs: setup ## Write the references, and the files that pages quote
	$(BIN)/python -m docs.generate

site: setup ## Build the docs into site/, without network
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

site-serve: setup ## Show the docs on http://127.0.0.1:8000 while they are written
	$(BIN)/python -m mkdocs serve --dev-addr 127.0.0.1:8000

sbom: $(AUDIT)/.installed ## Lists of all packages in CycloneDX: build/sbom-*.cdx.json
	@mkdir -p build
	$(AUDIT)/bin/cyclonedx-py requirements --output-reproducible -o build/sbom-platform.cdx.json requirements.txt
	$(AUDIT)/bin/cyclonedx-py requirements --output-reproducible -o build/sbom-service.cdx.json bentos/requirements.txt

audit: $(AUDIT)/.installed ## Known vulnerabilities of what is pinned; needs an advisory database
	$(AUDIT)/bin/python .ci/audit.py requirements.txt bentos/requirements.txt

$(AUDIT)/.installed: requirements-audit.txt
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --require-hashes -r requirements-audit.txt
	@touch $@

requirements: ## Compile the pinned requirements anew
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --extra dev --extra docs pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header requirements-audit.in -o requirements-audit.txt
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header bentos/requirements.in -o bentos/requirements.txt

clean: ## Remove the environment, keep the home
	rm -rf $(VENV)
