# What people type: `make demo`, `make test`, `make lint`, `make format` and so on. Each sets up .venv when it is missing or out of date.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.up-to-date
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

PINS := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --upgrade

.DEFAULT_GOAL := help
.PHONY: help demo test test-clients sim reliability bench scale profile lint format pictures manual lock clean

help:
	@echo "make demo          a full synchronization between two local servers with demo data"
	@echo "make test          the tests"
	@echo "make test-clients  clients that others wrote, against the sandbox"
	@echo "make sim           simulated seeds, kills and planted bugs (docs/guarantees.md)"
	@echo "make reliability   what is promised, measured (takes hours)"
	@echo "make bench         what a synchronization costs, beside others (takes hours)"
	@echo "make scale         how long large runs take under the limits of the services, by a model (docs/scale.md)"
	@echo "make profile       where the engine's time goes"
	@echo "make lint          ruff, mypy and the import contracts"
	@echo "make format        put the code into shape"
	@echo "make pictures      make the pictures of README.md anew"
	@echo "make manual        make docs/coupler.1, the completion of shells and docs/keys.md anew"
	@echo "make lock          pin the dependencies anew (needs uv and npm)"
	@echo "make clean         remove caches and builds"

demo: $(STAMP)
	@$(BIN)/coupler demo

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

test-clients: $(STAMP)
	@$(BIN)/python -m tests.clients $(ARGS)

reliability: $(STAMP)
	$(BIN)/python -m tests.reliability $(ARGS)

# ARGS="--sizes 10000 --rounds 1 --without delay instructions --output build/bench.json" for a first look
bench: $(STAMP)
	$(BIN)/python -m bench run $(ARGS)

# ARGS=--write puts it into docs/scale.md; ARGS=--help lists the figures that go in
scale: $(STAMP)
	@$(BIN)/python -m bench.scale $(ARGS)

profile: $(STAMP)
	@$(BIN)/python -m bench profile $(ARGS)

# SEEDS=20000 seeds, KILLS=20 seeds with a kill at every step, BUGS=300 seeds for each planted bug; SEED=17 [KILL=123] one again
sim: $(STAMP)
	$(BIN)/python -m tests.sim $(if $(SEED),--seed $(SEED)) $(if $(KILL),--kill $(KILL)) $(if $(SEEDS),--seeds $(SEEDS)) \
		$(if $(START),--start $(START)) $(if $(KILLS),--kills $(KILLS)) $(if $(BUGS),--bugs $(BUGS)) $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

pictures: $(STAMP)
	$(BIN)/python docs/pictures/make.py

manual: $(STAMP)
	$(BIN)/python -m tests.docs.manual

lock:
	@$(PINS) --group dev pyproject.toml --output-file requirements.lock
	@for pins in tests/clients/*.txt bench/peers/*.txt; do \
		package=$$(sed -n 's/^# package: //p' $${pins%.txt}.py); \
		echo $${package:-$$(basename $$pins .txt | tr _ -)} | $(PINS) --no-annotate --output-file $$pins - || exit 1; \
	done
	@for pins in tests/clients/*.json; do \
		folder=$$(mktemp -d) && echo '{"name": "driver"}' > $$folder/package.json && \
		npm install --silent --prefix $$folder --package-lock-only --omit-lockfile-registry-resolved --save-exact \
			$$(basename $$pins .json | tr _ -) && \
		mv $$folder/package-lock.json $$pins && rm -r $$folder || exit 1; \
	done

clean:
	rm -rf build dist .clients .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find engine tui sandbox bench tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The first python3 that is new enough makes the environment; an environment that is broken is made anew.
$(STAMP): pyproject.toml requirements.lock
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		python=; \
		for one in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
			if $$one -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$one; break; fi; \
		done; \
		if [ -z "$$python" ]; then \
			echo "Coupler needs Python 3.11 or newer: install python3, or say 'make PYTHON=/path/to/python'." >&2; exit 1; \
		fi; \
		if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
			echo "$$python cannot make a virtual environment: install python3-venv (apt install python3-venv)." >&2; exit 1; \
		fi; \
		echo "Setting up $(VENV) (once; this takes about a minute) ..." >&2; \
		$$python -m venv --clear $(VENV); \
	fi
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(STAMP)
