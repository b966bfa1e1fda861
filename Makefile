# A thin wrapper over the CMake presets of CMakePresets.json. `make help` lists the targets.
PREFIX ?= /usr/local
DEMO ?=
ROWS ?= 1000000
RUNS ?= 3
ENGINES ?=
PHASES ?=
JOBS ?= $(shell nproc)
CTEST = ctest --output-on-failure -j $(JOBS)

all: deps-build  ## build the program and the library (build/release)
	@cmake --preset release -DBUILD_TESTING=OFF -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@cmake --build build/release -j $(JOBS)

demo: all  ## the main job: load, page, reopen and verify a chat stream; options in DEMO="--messages 100000"
	@build/release/strait demo $(DEMO)

test: deps-test  ## all tests, with the real drivers
	@cmake --preset release -DBUILD_TESTING=ON >/dev/null
	@cmake --build build/release -j $(JOBS)
	@$(CTEST) --test-dir build/release

check: deps-check  ## the tests under AddressSanitizer and UBSan, and under ThreadSanitizer
	@cmake --preset dev -DBUILD_TESTING=ON >/dev/null
	@cmake --build build/dev -j $(JOBS)
	@$(CTEST) --test-dir build/dev
	@cmake --preset tsan -DBUILD_TESTING=ON >/dev/null
	@cmake --build build/tsan -j $(JOBS)
	@$(CTEST) --test-dir build/tsan -L "io|memtable|commitlog|sstable|engine|cql|embed|server"

bench: all  ## time the engine and the language; results are appended to bench/history
	@cmake --preset release -DBUILD_TESTING=ON >/dev/null
	@cmake --build build/release -j $(JOBS)
	@bench/run build/release

bench-peers: deps-bench  ## Strait beside RocksDB, LevelDB, LMDB, WiredTiger, SQLite; ROWS=, ENGINES=, RUNS=, PHASES=
	@cmake --preset release -B build/peers -DBUILD_TESTING=OFF -DSTRAIT_BENCH_PEERS=ON >/dev/null
	@cmake --build build/peers -j $(JOBS) --target bench-peers
	@bench/peers/run build/peers --rows $(ROWS) --runs $(RUNS) $(if $(ENGINES),--engines $(ENGINES)) \
		$(if $(PHASES),--phases $(PHASES))

install: all  ## install program, library, header, pkg-config and CMake package under PREFIX
	@cmake --install build/release --prefix $(PREFIX)

format:  ## lay out every source file
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean:  ## remove what was built
	@rm -rf build

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

deps-%:
	@scripts/install-deps $*

.PHONY: all demo test check bench bench-peers install format clean help
