# `make demo` and `make test` set up all they need in .venv; a second call does only what changed.
# The variables can be given on the command line: make test PYTHON=python3.12 WORKERS=4

PYTHON ?= python3.11
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
DEMO := build/demo

.PHONY: help demo test lint shapes native-test sanitize fuzz cross jni web docs in-turn wheel clean
.DEFAULT_GOAL := help

help:
	@echo "make demo         compare the shipped models on the sample data: $(DEMO)/report.html"
	@echo "make test         lint, types, import directions and all tests, those below included"
	@echo "make lint         the first three alone"
	@echo "make native-test  the C++ tests of the engine"
	@echo "make sanitize     the same under AddressSanitizer, UBSan and ThreadSanitizer"
	@echo "make fuzz         rubbish into every reader and call, for minutes; FUZZ_RUNS and FUZZ_SEED say how much"
	@echo "make cross        the same for 64-bit Arm, in an emulator, and texts answered there as here"
	@echo "make jni          the engine for Java and Kotlin, for this machine's: build/jni"
	@echo "make web          the engine as WebAssembly, the npm package, and the page of squeezebert playground"
	@echo "make docs         the site of docs/: build/site/index.html"
	@echo "make wheel        build/dist/*.whl"
	@echo "make clean        remove what the others made, the virtual environment included"

# --- set-up: a stamp a set of extras, renewed when what is to be installed changes ---------------

INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
# CMake and Ninja come from PyPI, so that a C++ compiler is all the machine must have.
export PATH := $(abspath $(BIN)):$(PATH)
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(WORKERS)
NATIVE := $(shell find native -type f)
CXX_FILES := $(shell find native bindings examples -name '*.cpp' -o -name '*.h' -o -name '*.c')

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; say where it is: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.tools: constraints.txt | $(BIN)/python
	@echo "installing the tools that build the extension into $(VENV)"
	@$(INSTALL) scikit-build-core nanobind cmake ninja
	@touch $@

$(VENV)/.demo: pyproject.toml $(NATIVE) $(VENV)/.tools
	@echo "building squeezebert and installing it into $(VENV) (a few minutes the first time)"
	@$(INSTALL) --no-build-isolation -e '.[classical]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@echo "installing the tools for development into $(VENV)"
	@$(INSTALL) --no-build-isolation -e '.[dev]'
	@touch $@

# --- what people call -----------------------------------------------------------------------------

demo: $(VENV)/.demo
	@squeezebert compare \
		--data sample_dialogues --data sample_news --data sample_ner_en --data sample_ner_de --classical --threads 1 \
		--output $(DEMO)
	@echo "open $(DEMO)/report.html"

lint: $(VENV)/.dev
	@ruff check --quiet --output-format concise . && ruff format --quiet --check . && echo "ruff: clean"
	@clang-format --dry-run -Werror $(CXX_FILES) && echo "clang-format: clean"
	@basedpyright --level error --pythonpath $(BIN)/python
	@lint-imports

# The shapes in the model's signatures, checked at each call of its tests.
shapes: $(VENV)/.dev
	@OMP_NUM_THREADS=1 python -m pytest -q -n $(WORKERS) -m "not slow" tests/model \
		--jaxtyping-packages=squeezebert.model.grouped_linear,squeezebert.model.encoder,squeezebert.model.heads,beartype.beartype

# The sanitizers beside the rest: most of these use one core at a time, and no two one build directory.
test: $(VENV)/.dev
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target sanitize in-turn
	@OMP_NUM_THREADS=1 python -m pytest -q -n $(WORKERS)

in-turn:
	@set -e; for target in lint shapes native-test cross jni web docs; do \
		$(MAKE) --no-print-directory $$target; \
	done

# Whatever Zensical or mkdocstrings remarks is an error: broken links and anchors too.
docs: $(VENV)/.dev
	@python -m docs.site.build

wheel: $(VENV)/.dev
	@python -m build --wheel --no-isolation --outdir build/dist .

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache .cache
	rm -rf web/dist web/node_modules $(PAGE)/engine
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f src/squeezebert/engine/_native*.so

# --- the C++ tests ----------------------------------------------------------------------------------

# Beside the extension's own objects (pyproject.toml: build-dir).
EXTENSION = build/editable-$(shell $(BIN)/python -c 'import sys; print(sys.implementation.cache_tag)')
# $(call build-tests,DIRECTORY), or as native/CMakePresets.json says: $(call build-preset,NAME)
build-tests = cmake --build $(1) --target squeezebert_tests -- --quiet
build-preset = cmake -S native --preset $(1) >/dev/null && $(call build-tests,build/$(1))

native-test: $(VENV)/.demo
	@$(call build-tests,$(EXTENSION))
	@$(EXTENSION)/squeezebert_tests
	@python native/tests/weak_symbols.py $(EXTENSION)/libsqueezebert_core.a

# ThreadSanitizer wants memory where a kernel that shuffles addresses may not have it. It runs what
# has threads.
sanitize: $(VENV)/.tools
	@echo "AddressSanitizer and UBSan:"
	@$(call build-preset,address)
	@# In two halves side by side: these two groups take most of the time.
	@build/address/squeezebert_tests kernels model & half=$$!; \
		build/address/squeezebert_tests -kernels -model; rest=$$?; wait $$half && exit $$rest
	@echo "ThreadSanitizer:"
	@$(call build-preset,thread)
	@$$(setarch -R true 2>/dev/null && echo setarch -R) build/thread/squeezebert_tests \
		"thread pool" wait_for "model: many" "c api"

# make test does a few rounds of each; here many, of other chances than the last time.
FUZZ_RUNS ?= 20000
FUZZ_SEED := $(or $(FUZZ_SEED),$(shell date +%s))

fuzz: $(VENV)/.dev
	@echo "SQUEEZEBERT_FUZZ_RUNS=$(FUZZ_RUNS) SQUEEZEBERT_FUZZ_SEED=$(FUZZ_SEED)"
	@$(call build-preset,address)
	@SQUEEZEBERT_FUZZ_RUNS=$(FUZZ_RUNS) SQUEEZEBERT_FUZZ_SEED=$(FUZZ_SEED) build/address/squeezebert_tests fuzz
	@if [ -d tests/fuzz ]; then \
		SQUEEZEBERT_FUZZ_RUNS=$(FUZZ_RUNS) SQUEEZEBERT_FUZZ_SEED=$(FUZZ_SEED) OMP_NUM_THREADS=1 \
			python -m pytest -q -n $(WORKERS) tests/fuzz; \
	fi

cross: $(VENV)/.demo
	@if ! command -v aarch64-linux-gnu-g++ >/dev/null; then \
		echo "cross: skipped: no aarch64-linux-gnu-g++ here (Debian: g++-aarch64-linux-gnu)"; \
	elif ! command -v qemu-aarch64 >/dev/null; then \
		echo "cross: skipped: no qemu-aarch64 here (Debian: qemu-user)"; \
	else \
		$(call build-preset,aarch64) && \
		cmake --build build/aarch64 --target squeezebert_text squeezebert -- --quiet && \
		cmake --build $(EXTENSION) --target squeezebert_text -- --quiet && \
		echo "64-bit Arm with all extensions:" && \
		qemu-aarch64 -cpu max build/aarch64/squeezebert_tests "packed projection" kernels "model: odd" && \
		echo "64-bit Arm with none:" && \
		qemu-aarch64 -cpu cortex-a72 build/aarch64/squeezebert_tests dispatch "model: odd" && \
		echo "examples/c/text.c, the answers of 64-bit Arm beside this machine's:" && \
		python native/tests/same_answers.py $(EXTENSION)/squeezebert_text \
			"qemu-aarch64 -cpu max build/aarch64/squeezebert_text" && \
		aarch64-linux-gnu-strip -o build/aarch64/stripped.so build/aarch64/libsqueezebert.so && \
		echo "stripped: text, statically linked, $$(wc -c <build/aarch64/squeezebert_text) bytes;" \
			"libsqueezebert.so $$(wc -c <build/aarch64/stripped.so) bytes," \
			"$$(gzip -9c build/aarch64/stripped.so | wc -c) gzipped"; \
	fi

# --- Java and Kotlin --------------------------------------------------------------------------------------

jni: $(VENV)/.demo
	@if ! command -v javac >/dev/null; then \
		echo "jni: skipped: no javac here (Debian: openjdk-17-jdk-headless)"; \
	elif ! cmake $(EXTENSION) 2>/dev/null | grep -q "Build files" \
			|| ! grep -q '^JAVA_INCLUDE_PATH:PATH=.*[^D]$$' $(EXTENSION)/CMakeCache.txt; then \
		echo "jni: skipped: CMake finds no jni.h here; JAVA_HOME tells it where the JDK is"; \
	else \
		set -e; \
		cmake --build $(EXTENSION) --target squeezebert_jni -- --quiet; \
		rm -rf build/jni; mkdir -p build/jni; \
		cp $(EXTENSION)/libsqueezebert_jni.* build/jni/; \
		javac --release 8 -Xlint:all,-options -Werror -d build/jni bindings/jni/squeezebert/*.java; \
		echo "build/jni: classes, and $$(cd build/jni && ls libsqueezebert_jni.*)"; \
	fi

# --- WebAssembly, the npm package and the page's engine -----------------------------------------------

PAGE := src/squeezebert/playground/page
# Debian's Emscripten looks for its JavaScript where Node does not.
web: export NODE_PATH := $(NODE_PATH):/usr/share/nodejs

web: $(VENV)/.tools
	@if ! command -v em++ >/dev/null; then \
		echo "web: skipped: no em++ here (Debian: emscripten)"; \
	elif ! command -v npm >/dev/null; then \
		echo "web: skipped: no npm here (Debian: npm)"; \
	elif [ "$$(node -p 'parseInt(process.versions.node) >= 20')" != true ]; then \
		echo "web: skipped: Node $$(node --version) is here, 20 or later is needed"; \
	else \
		set -e; \
		emcmake cmake -S native -B build/web/native -G Ninja >/dev/null 2>&1; \
		cmake --build build/web/native -- --quiet; \
		emcmake cmake -S native -B build/web/threads -G Ninja -DSQUEEZEBERT_WEB_THREADS=ON \
			>/dev/null 2>&1; \
		cmake --build build/web/threads -- --quiet; \
		cd web; \
		[ node_modules/.package-lock.json -nt package-lock.json ] \
			|| npm ci --silent --no-audit --no-fund; \
		rm -rf dist ../$(PAGE)/engine; \
		npm run --silent build; \
		cp ../build/web/native/engine.wasm dist/; \
		cp ../build/web/threads/engine.wasm dist/engine_threads.wasm; \
		npm run --silent check; \
		mkdir ../$(PAGE)/engine; \
		cp dist/*.js dist/*.wasm ../$(PAGE)/engine/; \
		rm ../$(PAGE)/engine/*node.js; \
		echo "web/dist: engine $$(gzip -9c dist/engine.wasm | wc -c), with threads" \
			"$$(gzip -9c dist/engine_threads.wasm | wc -c), and scripts" \
			"$$(cat ../$(PAGE)/engine/*.js | gzip -9c | wc -c) bytes, gzipped"; \
	fi
