# The only entry points: demo, test, check, format, validate, bench, torture, docs. Each installs what it lacks.
.DEFAULT_GOAL := help
.PHONY: help demo test check format validate bench docs torture build dependencies

# Released programs carry the Swift runtime, and HDF5 where the system has its archive (Debian): the shared one
# loads thirty libraries for reading from the network.
HDF5_ARCHIVE := $(wildcard /usr/lib/*-linux-gnu/libhdf5_serial.a)
RELEASE := swift build -c release -q --static-swift-stdlib \
	$(if $(HDF5_ARCHIVE),--pkg-config-path Scripts/pkgconfig)

SWIFT_SOURCES := Package.swift Sources Tests Benchmarks

help:
	@echo "make demo       build dpc, run both pipelines on ExampleData, say what was found"
	@echo "make test       build and run every test"
	@echo "make check      formatting, imports, file sizes; build with warnings as errors"
	@echo "make format     format the sources"
	@echo "make validate CASES=DIR   compare results with known truth, case by case"
	@echo "make bench      time kernels and whole runs beside a memory copy"
	@echo "make torture    kill dpc at every call that changes a file, and refuse each such call"
	@echo "make docs       build the documentation"

dependencies:
	@Scripts/install-dependencies.sh

build: dependencies
	@$(RELEASE) --product dpc

demo: build
	@Scripts/demo.sh

test: dependencies
	@Scripts/prepare-python.sh
	@swift build --build-tests
	@swift test --skip-build --disable-xctest

check: dependencies
	@swift format lint --strict --recursive $(SWIFT_SOURCES)
	@Scripts/check-sources.sh
	@swift build --explicit-target-dependency-import-check error

format:
	@swift format --in-place --recursive $(SWIFT_SOURCES)

CASES ?= ExampleData
ARTICLES := Sources/DPCReconstruction/DPCReconstruction.docc
VALIDATE := .build/release/dpc-validate --dpc .build/release/dpc --pipelines Pipelines
# The shipped cases' tables and figures go into the documentation.
validate: build
	@$(RELEASE) --product dpc-validate
	@$(VALIDATE) $(CASES) $(if $(filter ExampleData,$(CASES)),--document $(ARTICLES)/Validation.md)
	@$(if $(filter ExampleData,$(CASES)),$(VALIDATE) $(CASES) --filter top-view --figures $(ARTICLES)/Resources >/dev/null)

bench: build
	@$(RELEASE) --product dpc-bench
	@.build/release/dpc-bench --dpc .build/release/dpc

docs: dependencies
	@Scripts/build-docs.sh

torture: build
	@$(RELEASE) --product FaultInjection
	@Scripts/torture.sh .build/release/dpc .build/release/libFaultInjection.so
