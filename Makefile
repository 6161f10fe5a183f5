# make demo       model, invert and image a small structural model; pictures in runs/demo
# make test       format, lint, types, import contracts and tests
# make test-full  the same with the slow tests
# make bench      benchmarks; they print what README and docs quote
# EXTRAS=torch    installs an optional extra as well
# make test-extra EXTRAS=torch  lint, types, and only the tests that need that extra
# VENV=FOLDER     another virtual environment than .venv

PYTHON ?= python3
EXTRAS ?=
VENV ?= .venv
BIN := $(VENV)/bin
comma := ,
STAMP := $(VENV)/.installed$(if $(EXTRAS),-$(EXTRAS))
DEV_STAMP := $(VENV)/.installed-dev$(if $(EXTRAS),-$(EXTRAS))


.PHONY: demo test test-full test-extra lint bench clean

demo: $(STAMP)
	$(BIN)/fwi model configs/demo_model.yaml -o runs/demo/model --force
	$(BIN)/fwi invert configs/demo_invert.yaml -o runs/demo/invert --force
	$(BIN)/fwi rtm configs/demo_rtm.yaml -o runs/demo/rtm --force
	@echo
	@echo "Pictures of the demo:"
	@ls runs/demo/*/*.png

test: lint
	$(BIN)/python -m pytest -n auto -m "not slow"

test-full: lint
	$(BIN)/python -m pytest -n auto

test-extra: lint
	$(BIN)/python -m pytest -n auto -m "$(EXTRAS) and not slow"

lint: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python benchmarks/commands.py
	$(BIN)/python benchmarks/propagation.py
	$(BIN)/python benchmarks/equations.py
	$(BIN)/python benchmarks/gradient.py
	$(BIN)/python benchmarks/peers.py --json runs/peers.json
	$(BIN)/python benchmarks/endurance.py
	$(BIN)/python benchmarks/kills.py
	$(BIN)/python benchmarks/ends.py
	$(BIN)/python benchmarks/fuzz.py configs --count 2000
	$(BIN)/python benchmarks/fuzz.py files --count 1000
	$(BIN)/python benchmarks/histories.py
	$(BIN)/python benchmarks/boundaries.py
	$(BIN)/python benchmarks/tilted.py
	$(BIN)/python benchmarks/receivers.py
	$(BIN)/python benchmarks/misfits.py
	$(BIN)/python benchmarks/grids.py
	$(BIN)/python benchmarks/near.py
	$(BIN)/python benchmarks/diagnosis.py
	$(BIN)/python benchmarks/marmousi.py
	$(BIN)/python benchmarks/wavelets.py
	$(BIN)/python benchmarks/robustness.py
	$(BIN)/python benchmarks/race.py
	$(BIN)/python benchmarks/autograd.py

clean:
	rm -rf $(VENV) runs

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "fwi needs Python 3.11 or later; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "no virtual environment: install Debian's python3-venv"; exit 1; }

$(STAMP): $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.$(if $(EXTRAS),[$(EXTRAS)])'
	@touch $@

$(DEV_STAMP): $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev$(if $(EXTRAS),$(comma)$(EXTRAS))]'
	@touch $@ $(STAMP)
