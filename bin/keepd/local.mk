# SPDX-License-Identifier: ISC
noinst_LIBRARIES += bin/keepd/libkeepd.a
bin_keepd_libkeepd_a_SOURCES = \
	%D%/shelf.c %D%/shelf.h

pkglibexec_PROGRAMS += bin/keepd/keepd
bin_keepd_keepd_SOURCES = %D%/main.c
bin_keepd_keepd_LDADD = bin/keepd/libkeepd.a $(COMMON_LIBS)
