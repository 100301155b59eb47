# SPDX-License-Identifier: ISC

noinst_PROGRAMS += t/bench/mbench t/bench/beacon t/bench/inject
t_bench_inject_SOURCES = %D%/inject.c
t_bench_mbench_SOURCES = %D%/mbench.c
t_bench_mbench_LDADD = $(COMMON_LIBS)
t_bench_beacon_SOURCES = %D%/beacon.c
t_bench_beacon_LDADD = $(COMMON_LIBS)
EXTRA_DIST += \
	%D%/farm \
	%D%/farm-cost.bash \
	%D%/farm-reject.bash \
	%D%/farm-takeover.bash \
	%D%/mirror \
	%D%/run \
	%D%/report \
	%D%/lib.bash \
	%D%/pair.bash \
	%D%/takeover.bash \
	%D%/module \
	%D%/results

# Holdfast beside its peers; see t/bench/run.
bench: all
	top_builddir='$(abs_top_builddir)' $(srcdir)/t/bench/run $(BENCH_FLAGS)
.PHONY: bench
