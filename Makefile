# Everything a user types. `make book` and `make test` set up what they need in .venv by themselves.

PROFILE ?= embedded
export PROFILE NAME  # read from the environment: the shell does not look into what a user typed
JOBS ?= 2
STUDIES ?= groundtruth logits faithfulness boxes whatif curves ablation temperature hyperparameters stability runtime \
           alzheimer sanity
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed$(if $(LOCKED),-locked)
LOCK := requirements.lock
LOCKED_EXTRAS := book hub rivals cluster onnx openvino test lab
PIP := $(BIN)/python scripts/install.py
LAB := $(VENV)/.lab
# glibc gives big blocks back to the system and has them zeroed again at the next pass; kept, a small CNN takes half the time.
# Other C libraries ignore this. The study of running time goes without: its ratios are of a process as users start it.
KEEP := MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=268435456
IN_RANGE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

.DEFAULT_GOAL := help
.PHONY: help setup lock book notebook coursework archive links test reference networks verify lint clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18
	@echo "Options: PROFILE=smoke|embedded|reference|FILE.yaml (book), JOBS=$(JOBS) (book, test), PYTHON=python3.12 (setup),"
	@echo "         LOCKED=1 (setup: the releases of requirements.lock), WORKERS=2 (reference: processes)"

setup: $(STAMP) ## Make .venv and install the project into it (the other commands do this too)

# A Python of this project's range, else one sentence. A candidate is tried, since a name on the path may not run.
$(STAMP): pyproject.toml setup.py $(if $(LOCKED),$(LOCK))
	@set -e; chosen=; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if "$$python" -c '$(IN_RANGE)' >/dev/null 2>&1; then chosen="$$python"; break; fi; \
	  if [ "$$python" = "$(PYTHON)" ]; then echo "PYTHON=$(PYTHON) does not run or is not Python 3.11, 3.12 or 3.13; looking for another."; fi; \
	done; \
	if [ -z "$$chosen" ]; then \
	  echo "Error: no Python 3.11, 3.12 or 3.13 was found; install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; fi; \
	if ! $(BIN)/python -c '$(IN_RANGE)' 2>/dev/null || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  echo "Making the virtual environment $(VENV) with $$chosen ($$("$$chosen" --version))."; \
	  "$$chosen" -m venv --clear $(VENV) || { \
	    echo "Error: $$chosen could not make $(VENV); on Debian and Ubuntu install the package python3-venv." >&2; exit 1; }; \
	fi; \
	echo "Installing cluscam-lite and its tools into $(VENV) (the first time: minutes, and several GB for PyTorch)."; \
	{ if [ -n "$(LOCKED)" ]; then \
	    $(PIP) --require-hashes -r $(LOCK) && $(PIP) --no-deps --no-build-isolation -e .; \
	  else $(PIP) -e '.[book,hub,rivals,cluster,onnx,openvino,test]'; fi; } || { \
	  echo "Error: pip could not install the project; its last lines are above. Is the network up and the disk not full?" >&2; exit 1; }; \
	rm -f $(VENV)/.installed $(VENV)/.installed-locked; touch $@ $(if $(LOCKED),$(LAB))

# Ranges say what the project works with, the lock what it was last tried with, file by file: one for each Python of the
# range and each platform. The builder of the project itself is locked too. A newer release comes in with UPGRADE=1.
lock: $(STAMP) ## Make requirements.lock anew from pyproject.toml; UPGRADE=1 takes the newest releases
	@echo "Locking the releases and hashes of all packages in $(LOCK)."
	@echo 'setuptools>=77' | $(BIN)/uv pip compile pyproject.toml - --quiet $(LOCKED_EXTRAS:%=--extra %) \
	  --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url $(if $(UPGRADE),--upgrade) --output-file $(LOCK) || { \
	  echo "Error: uv could not lock the packages; its message is above. Is the network up?" >&2; exit 1; }

book: $(STAMP) ## Run the notebooks of PROFILE (embedded), JOBS at a time, and build the book
	@echo "Running the notebooks with the profile $$PROFILE."
	@$(BIN)/python -m analysis.run.notebooks --profile="$$PROFILE" --jobs $(JOBS)
	@echo "Building the book (a warning is an error)."
	@$(BIN)/jupyter-book build . --all --quiet --warningiserror --keep-going >/dev/null || { \
	  echo "Error: the book was not built, or not without warnings; they are above." >&2; exit 1; }
	@echo "The book: $(CURDIR)/_build/html/index.html"

# JupyterLab and nbgrader, which only these two commands need.
$(LAB): $(STAMP)
	@echo "Installing JupyterLab and nbgrader into $(VENV) (once)."
	@$(PIP) -e '.[lab]' || { \
	  echo "Error: pip could not install JupyterLab and nbgrader; its last lines are above. Is the network up?" >&2; exit 1; }
	@touch $@

notebook: $(STAMP) ## Open a notebook in JupyterLab: make notebook NAME=method
	@$(BIN)/python -m analysis.run.lab --check "$$NAME"
	@$(MAKE) --no-print-directory $(LAB)
	@$(BIN)/python -m analysis.run.lab "$$NAME" $(OPTIONS)

coursework: $(LAB) ## Make and check the hand-outs and solutions of the assignments: build/coursework
	@echo "Making the assignments, and running both versions of each."
	@$(BIN)/python -m analysis.coursework.build
	@echo "The course: $(CURDIR)/build/coursework (release/ to hand out, solution/ to read, source/ to grade with)"

archive: book ## Build the book and pack it: dist/cluscam-book.zip with its SHA-256
	@$(BIN)/python -m analysis.run.archive

links: $(STAMP) ## Check the links of the built book (needs the network)
	@$(BIN)/jupyter-book build . --builder linkcheck --quiet

test: $(STAMP) ## Run the tests, JOBS at a time
	@echo "Running the tests, $(JOBS) at a time."
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(JOBS)

reference: $(STAMP) ## Make what is missing of the reference run on a data root: days on two cores; stop and go on at will
	@set -e; for study in $(STUDIES); do \
	  case $$study in runtime) keep= workers=;; *) keep="$(KEEP)" workers="$(if $(WORKERS),--workers $(WORKERS))";; esac; \
	  env $$keep $(BIN)/cluscam study $$study --profile reference --out results/reference/$$study $$workers \
	    || [ $$? -eq 3 ]; done  # 3: some images were skipped, and named

networks: $(STAMP) ## Train the networks of `reference` that a CPU gives to the same bits: half an hour or more each
	@$(BIN)/python -m analysis.chapters.alzheimer.networks.training.reference

verify: $(STAMP) ## Run the slow tests, and the slow checks on a data root (CLUSCAM_DATA)
	@echo "Running the slow tests: each notebook with each of its parameters changed."
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m slow -n $(JOBS)
	@echo "Running the slow checks on the data root."
	@$(BIN)/python -m analysis.oracles.verify

lint: $(STAMP) ## Check code with ruff, types of cluscam_lite with mypy, and that notebooks hold no outputs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/nbstripout --verify notebooks/*.ipynb coursework/*.ipynb && echo "The notebooks hold no outputs."

clean: ## Remove what was built: the book, executed notebooks, caches (not .venv)
	@rm -rf _build book/executed build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	@find analysis book cluscam_lite tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Removed the book, the executed notebooks and the caches; .venv stays (rm -r .venv removes it)."
