# SPDX-License-Identifier: ISC

noinst_PROGRAMS += t/bench/mbench
t_bench_mbench_SOURCES = %D%/mbench.c
t_bench_mbench_LDADD = $(COMMON_LIBS)
EXTRA_DIST += t/bench/mirror
