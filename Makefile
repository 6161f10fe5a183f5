# make demo       model, invert and image a small structural model; pictures in runs/demo
# make test       format, lint, types, import contracts and tests
# make test-full  the same with the slow tests
# make bench      benchmarks; they print the numbers of the documentation
# make docs       the documentation site in runs/site; needs no network once it is installed
# make notebooks  the tutorials as notebooks in runs/notebooks
# make gallery    the pictures of the gallery, made anew
# EXTRAS=torch    installs an optional extra as well; EXTRAS=torch,cluster installs two
# make test-extra EXTRAS=torch  lint, types, and only the tests that need that extra
# make test-slurm only the quick tests that need SLURM, which root starts where it is installed
# VENV=FOLDER     another virtual environment than .venv
# WORKERS=N       processes of the tests; one more than there are cores, unless given

PYTHON ?= python3
EXTRAS ?=
VENV ?= .venv
# Many tests wait for processes of their own: one worker more than there are cores.
WORKERS ?= $(shell expr $$(nproc) + 1)
# Asserts of tests are compiled once, also where Python is told to write no bytecode. Numerical
# libraries take one thread, as `fwi` has it: those of several workers would wait for each other.
ONE_THREAD = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
PYTEST = PYTHONDONTWRITEBYTECODE= $(ONE_THREAD) \
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
BIN := $(VENV)/bin
comma := ,
STAMP := $(VENV)/.installed$(if $(EXTRAS),-$(EXTRAS))
DEV_STAMP := $(VENV)/.installed-dev$(if $(EXTRAS),-$(EXTRAS))
DOCS_STAMP := $(VENV)/.installed-docs


.PHONY: demo test tests test-full test-extra test-slurm lint bytecode bench docs notebooks gallery clean

demo: $(STAMP)
	$(BIN)/fwi model configs/demo_model.yaml -o runs/demo/model --force
	$(BIN)/fwi invert configs/demo_invert.yaml -o runs/demo/invert --force
	$(BIN)/fwi rtm configs/demo_rtm.yaml -o runs/demo/rtm --force
	@echo
	@echo "Pictures of the demo:"
	@ls runs/demo/*/*.png

# Lint and types are checked beside the tests.
test: bytecode
	@$(MAKE) --no-print-directory --jobs 2 lint tests

tests:
	$(PYTEST) -m "not slow and not slurm"

test-full: lint bytecode
	$(PYTEST)

test-extra: lint bytecode
	$(PYTEST) -m "($(subst $(comma), or ,$(EXTRAS))) and not slow and not slurm"

test-slurm: bytecode
	$(BIN)/python -m pytest -rs -m "slurm and not slow"

lint: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Tests start a hundred interpreters: none compiles the package again, also where Python is told to
# write no bytecode.
bytecode: $(DEV_STAMP)
	@$(BIN)/python -m compileall -q fwicli

# The programs of docs/benchmarks/index.md, in its order.
bench: $(STAMP)
	@sed -n 's/^| `\([a-z_]*\.py\)` | [^|]*| *\(`\([^`]*\)`\)\{0,1\} *|.*| yes |$$/\1 \3/p' \
		docs/benchmarks/index.md | while read -r program arguments; do \
		echo "== $$program $$arguments"; \
		$(BIN)/python "benchmarks/$$program" $$arguments || exit 1; \
	done

docs: $(DOCS_STAMP)
	$(BIN)/python -m mkdocs build --strict

notebooks: $(DOCS_STAMP)
	$(BIN)/python docs/hooks/tutorials.py runs/notebooks

gallery: $(STAMP)
	$(BIN)/python docs/gallery/make.py

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

$(DOCS_STAMP): $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[docs]'
	@touch $@ $(STAMP)
