# Every target creates what it needs in a virtual environment. You need only Python 3.11 or later and make.
# After that, `make demo` and `make test` need no network.

# The first Python on the path that is new enough. To choose one: make test PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?= $(firstword $(shell .ci/pythons --any))
VENV ?= .venv
# What is installed for the tests: exact versions, each file with its hash. `make lock` writes these lists.
LOCK ?= requirements/test.txt
# Many tests wait for something, so there is one worker more than there are cores.
WORKERS ?= $(shell $(BIN)/python -c 'import os; print(1 + (os.cpu_count() or 1))')

BIN := $(VENV)/bin
PYTEST = REFOLD_ASYNC_INSTALLED=1 $(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal
SOURCES := $(shell find refold_async -type f -not -name '*.pyc') pytest_refold_async.py pyproject.toml README.md LICENSE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Compiled files are kept: pytest rewrites assertions, and would spend more time compiling than collecting.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-all soak soak-jobs docs pictures check lint types lock release-check sbom test-with-tools test-other-pythons test-lowest bench bench-bulk bench-growth bench-instructions bench-jobs bench-journals bench-large bench-sharing bench-tuning format clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed  ## Show what the library does, with a mock of Refold.
	$(BIN)/python examples/demo.py

test: $(VENV)/installed  ## Run all tests except the slow ones, with the built wheel.
	$(PYTEST) -m "not slow" $(PYTEST_OPTIONS)

test-all: $(VENV)/installed  ## Run all tests.
	$(PYTEST) $(PYTEST_OPTIONS)

# One round again: make soak SEED=41 CALLS=2500. Only one fault: make soak SOAK_OPTIONS='--fault "a redirect"'.
soak: $(VENV)/installed  ## Make 100,000 calls through a server that breaks responses in every way; check all. 5 minutes.
	PYTHONSAFEPATH=1 PYTHONPATH=tests $(BIN)/python -m soak \
		$(if $(CALLS),--calls $(CALLS)) $(if $(SEED),--seed $(SEED)) $(SOAK_OPTIONS)

# Less of it: make soak-jobs SOAK_OPTIONS='--items 6000 --processes 3 --kill-every 5'. All options: SOAK_OPTIONS=--help.
soak-jobs: $(VENV)/installed  ## Run a job whose workers, Redis and PostgreSQL are killed; check all. 2 to 3 minutes.
	PYTHONSAFEPATH=1 PYTHONPATH=tests $(BIN)/python -m soak_jobs $(SOAK_OPTIONS)

docs: $(VENV)/check  ## Build the documentation site into build/site.
	$(BIN)/python scripts/docs/build.py

DRAW = PYTHONSAFEPATH=1 PYTHONPATH=scripts $(BIN)/python -m pictures

pictures: $(VENV)/installed  ## Draw the pictures of the documentation, from what the benchmarks wrote.
	$(DRAW)

check: lint types docs test-with-tools test-other-pythons test-lowest  ## Check what must be true, besides the tests, before a change is merged.

lint: $(VENV)/check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/zizmor --offline --quiet --persona auditor .github

types: $(VENV)/check
	$(BIN)/mypy
	$(BIN)/pyright --project pyproject.toml --pythonpath $(BIN)/python
	@# As users see the package: installed, from a directory without its sources.
	cd $(VENV) && bin/mypy --strict ../tests/public_types.py
	cd $(VENV) && bin/pyright --pythonpath bin/python ../tests/public_types.py

# Elsewhere these tests are skipped: they need Zensical, mypy and pyright.
test-with-tools: $(VENV)/check  ## Look at the site in a browser, and check what `refold generate` writes.
	$(PYTEST) tests/docs/test_site_in_browser.py tests/cli/test_generate.py $(PYTEST_OPTIONS)

# All Pythons that are installed, except the one that `make test` uses.
test-other-pythons: $(VENV)/python
	set -e; own=$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	for python in $$(.ci/pythons); do \
		version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		[ $$version != $$own ] || continue; \
		echo "== Python $$version"; \
		$(MAKE) test PYTHON=$$python VENV=.venv-$$version; \
	done

test-lowest:
	$(MAKE) test VENV=.venv-lowest LOCK=requirements/lowest.txt

bench: $(VENV)/bench  ## Compare the cost of calls with other ways to make them; 8 minutes. One case: make bench CASE=read.
	$(BIN)/python benchmarks/suite.py $(CASE)
	$(DRAW) cpu-beside-peers cpu-beside-sdks
	PYTHONPATH=scripts $(BIN)/python scripts/docs/measurements_page.py

bench-bulk: $(VENV)/installed  ## Compare bulk jobs with hand-written ones, with and without rate limits; 5 minutes.
	$(BIN)/python benchmarks/bulk.py $(CASE)

bench-jobs: $(VENV)/installed  ## Measure how bulk jobs proceed, and draw it. 1 minute.
	$(BIN)/python benchmarks/timeline.py
	$(DRAW) by-hand job-timeline

bench-growth: $(VENV)/installed  ## Measure what grows with the number of items, calls or errors, and draw it. 7 minutes.
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/curves.py $(CURVE)
	$(DRAW) cost-growth growth-curves

bench-instructions: $(VENV)/installed  ## Count the instructions of calls, imports and lists with Valgrind; 5 minutes.
	$(BIN)/python benchmarks/instructions.py

bench-sharing: $(VENV)/installed  ## Measure how well processes share a limit through Redis; 7 minutes.
	$(BIN)/python benchmarks/limit_sharing.py

bench-journals: $(VENV)/installed  ## Compare what recording a job costs in SQLite and in PostgreSQL; 3 minutes.
	PYTHONPATH=tests $(BIN)/python benchmarks/journal_stores.py

bench-large: $(VENV)/installed  ## Measure what the journal of a large job costs PostgreSQL; 5 minutes.
	PYTHONPATH=tests $(BIN)/python benchmarks/large_job.py

bench-tuning: $(VENV)/bench  ## Measure what orjson, uvloop, reused connections and gc.freeze() bring. 5 minutes.
	$(BIN)/python benchmarks/tuning.py

# The locked versions serve every Python and system that the package supports.
LOCKED = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet --no-header \
	--custom-compile-command "make lock" --upgrade
ALL_EXTRAS = --extra cli --extra speed --extra otel --extra postgres --extra progress --extra redis --extra schema

lock: $(VENV)/python  ## Lock the newest versions of what tests and checks use, with hashes.
	$(BIN)/python -m pip install --quiet uv
	$(LOCKED) $(ALL_EXTRAS) --group build --group test --output-file requirements/test.txt
	$(LOCKED) --extra cli --extra postgres --extra redis --group build --group test --constraint requirements/lowest.in \
		--output-file requirements/lowest.txt
	$(LOCKED) $(ALL_EXTRAS) --group check --group docs --group release --constraint requirements/test.txt \
		--output-file requirements/check.txt

release-check: $(VENV)/check  ## Build a release, install it as users do, and run the tests from its source archive.
	$(BIN)/python scripts/release/check.py

sbom: $(VENV)/check  ## List the built package, its extras and all their dependencies as CycloneDX.
	$(BIN)/python scripts/release/sbom.py

format: $(VENV)/check
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv* .coverage* dist build .mypy_cache .pytest_cache .ruff_cache

$(VENV)/python:
	@$(PYTHON) -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Found no Python 3.11 or later with venv and ensurepip. Install one (on Debian and Ubuntu also" \
		"python3-venv), or choose one with PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	touch $@

$(VENV)/test: $(VENV)/python $(LOCK)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement $(LOCK)
	touch $@

$(VENV)/check: $(VENV)/installed requirements/check.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/check.txt
	touch $@

# Without these libraries the benchmarks still run, and print which contestants are left out.
$(VENV)/bench: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group bench && touch $@ || echo "Not all other libraries could be installed."

# The wheel is built and installed again when a source changed.
$(VENV)/installed: $(VENV)/test $(SOURCES)
	rm -rf $(VENV)/wheel
	$(BIN)/python -m build --quiet --wheel --no-isolation --outdir $(VENV)/wheel
	$(BIN)/python -m pip install --quiet --no-deps --no-index --force-reinstall $(VENV)/wheel/*.whl
	$(BIN)/python -m pip check
	touch $@
