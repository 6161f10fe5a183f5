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
	$(BIN)/python benchmarks/startup_time.py
	$(BIN)/python benchmarks/forward_time.py
	$(BIN)/python benchmarks/equation_cost.py
	$(BIN)/python benchmarks/gradient_cost.py
	$(BIN)/python benchmarks/speed_beside_deepwave.py --json runs/peers.json
	$(BIN)/python benchmarks/memory_growth.py
	$(BIN)/python benchmarks/killed_inversions.py
	$(BIN)/python benchmarks/clean_exits.py
	$(BIN)/python benchmarks/mutated_inputs.py configs --count 2000
	$(BIN)/python benchmarks/mutated_inputs.py files --count 1000
	$(BIN)/python benchmarks/history_cost.py
	$(BIN)/python benchmarks/layer_reflection.py
	$(BIN)/python benchmarks/tilted_layer_reflection.py
	$(BIN)/python benchmarks/receiver_cost.py
	$(BIN)/python benchmarks/misfit_cost.py
	$(BIN)/python benchmarks/coarse_grid_gradients.py
	$(BIN)/python benchmarks/coarse_grid_errors.py
	$(BIN)/python benchmarks/diagnosis_false_alarms.py
	$(BIN)/python benchmarks/marmousi_accuracy.py
	$(BIN)/python benchmarks/unknown_wavelets.py
	$(BIN)/python benchmarks/noise_and_poor_starts.py
	$(BIN)/python benchmarks/inversion_beside_deepwave.py
	$(BIN)/python benchmarks/torch_gradient_time.py

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
