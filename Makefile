# weft: see README.md. `make demo` runs the main job, `make check` the tests; both install what is missing (tools/setup).
#
#   make            the program and the topology modules, in build/release
#   make demo       CloudMatrix 384 and a recorded step, end to end
#   make check      all tests, under address and undefined-behaviour sanitizers
#   make bench | validate | golden | fuzz | hdr-check | layers | fmt | lint | install

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
VARIANT ?= release
B := build/$(VARIANT)
prefix ?= /usr/local

PACKAGES := hdf5 gsl libfyaml expat yajl zlib cairo fontconfig
warnings := -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(if $(CI)$(WERROR),-Werror)
common := -std=c11 $(warnings) -ffp-contract=off -fno-strict-aliasing -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -Iinclude -Isrc \
	-DWEFT_VERSION='"$(shell cat VERSION)"'
# HDF5 as archives where they are installed: its shared object pulls in 30 others (curl, Kerberos, LDAP) that weft never calls, and
# they are three quarters of the time that `weft --version` takes.
hdf5_folder := $(patsubst -L%,%,$(shell pkg-config --libs-only-L hdf5 2>/dev/null))
hdf5_archives := $(wildcard $(addsuffix /libhdf5_hl.a,$(hdf5_folder))) $(wildcard $(addsuffix /libhdf5.a,$(hdf5_folder)))
hdf5 := $(if $(word 2,$(hdf5_archives)),$(hdf5_archives) -lsz,-lhdf5_hl -lhdf5)
libraries := $(hdf5) $(filter-out -lhdf5,$(shell pkg-config --libs $(PACKAGES) 2>/dev/null)) -lev -lm -ldl
includes := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)

flags.release := -O2 -g -DNDEBUG
flags.debug := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
flags.clang := -O2 -g -DNDEBUG
flags.clang-debug := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
ifneq ($(filter clang%,$(VARIANT)),)
override CC := clang
endif
CFLAGS := $(flags.$(VARIANT)) $(EXTRA_CFLAGS)
ccache := $(shell command -v ccache 2>/dev/null)
COMPILE = $(ccache) $(CC) $(common) $(CFLAGS) $(includes) -MMD -MP

library_sources := $(sort $(filter-out src/cli/%,$(wildcard src/*/*.c)))
program_sources := $(sort $(wildcard src/cli/*.c) src/main.c)
library_objects := $(library_sources:%.c=$(B)/%.o)
program_objects := $(program_sources:%.c=$(B)/%.o)
modules := $(patsubst topologies/%.c,$(B)/topologies/%.so,$(sort $(wildcard topologies/*.c)))
tests := $(patsubst tests/unit/%.c,$(B)/tests/%,$(sort $(wildcard tests/unit/test_*.c)))
catalogue := $(patsubst %,$(B)/%,$(sort $(wildcard catalogue/*.yaml)))
benches := $(patsubst tools/bench/%.c,$(B)/bench/%,$(sort $(wildcard tools/bench/*.c)))

all: $(B)/weft $(modules) $(catalogue)

$(B)/libweft.a: $(library_objects)
	@rm -f $@
	ar rcs $@ $^
$(B)/weft: $(program_objects) $(B)/libweft.a
	$(CC) $(CFLAGS) -rdynamic -Wl,--as-needed -Wl,-O1 -o $@ $(program_objects) $(B)/libweft.a $(libraries)
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<
# Modules see include/ only: what a user can build out of tree.
$(B)/topologies/%.so: topologies/%.c
	@mkdir -p $(@D)
	$(ccache) $(CC) -std=c11 $(warnings) -ffp-contract=off $(CFLAGS) -Iinclude -MMD -MP -fPIC -shared -o $@ $<
# Found beside the program, as the installed one is found in share/weft.
$(B)/catalogue/%.yaml: catalogue/%.yaml
	@mkdir -p $(@D)
	cp $< $@
$(B)/tests/%: tests/unit/%.c $(B)/libweft.a
	@mkdir -p $(@D)
	$(COMPILE) -Itests/unit -UNDEBUG -o $@ $< $(B)/libweft.a -lcmocka $(libraries)
$(B)/bench/%: tools/bench/%.c $(B)/libweft.a
	@mkdir -p $(@D)
	$(COMPILE) -o $@ $< $(B)/libweft.a $(libraries)

tests: all $(tests)
benches: all $(benches)

setup:
	@tools/setup build
demo:
	@tools/setup build
	@$(MAKE) --no-print-directory all
	@tools/demo
check:
	@tools/setup check
	@tools/check
bench:
	@tools/setup bench
	@$(MAKE) --no-print-directory all
	@tools/bench/run
validate golden fuzz: %:
	@tools/setup $*
	@$(MAKE) --no-print-directory all
	@tools/$*
hdr-check:
	@tools/hdr-check $(CC)
layers:
	@tools/layers
fmt:
	@clang-format -i $$(git ls-files '*.c' '*.h')
lint:
	@clang-tidy --quiet $(library_sources) $(program_sources) -- $(common) $(includes)

install: all
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/lib/weft/topologies $(DESTDIR)$(prefix)/lib/pkgconfig \
		$(DESTDIR)$(prefix)/include/weft $(DESTDIR)$(prefix)/share/weft/catalogue
	install -m 755 $(B)/weft $(DESTDIR)$(prefix)/bin/weft
	install -m 644 $(B)/libweft.a $(DESTDIR)$(prefix)/lib/libweft.a
	install -m 755 $(modules) $(DESTDIR)$(prefix)/lib/weft/topologies
	install -m 644 catalogue/*.yaml $(DESTDIR)$(prefix)/share/weft/catalogue
	install -m 644 include/weft/*.h $(DESTDIR)$(prefix)/include/weft
	sed -e 's|@prefix@|$(prefix)|' -e 's|@version@|$(shell cat VERSION)|' -e 's|@requires@|$(PACKAGES)|' tools/weft.pc.in \
		>$(DESTDIR)$(prefix)/lib/pkgconfig/weft.pc
clean:
	rm -rf build

.PHONY: all tests benches setup demo check validate bench golden fuzz hdr-check layers fmt lint install clean
-include $(shell find $(B) -name '*.d' 2>/dev/null)
