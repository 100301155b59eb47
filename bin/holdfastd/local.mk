# SPDX-License-Identifier: ISC
noinst_LIBRARIES += bin/holdfastd/libholdfastd.a
bin_holdfastd_libholdfastd_a_SOURCES = \
	%D%/adopt.c %D%/adopt.h \
	%D%/roster.c %D%/roster.h \
	%D%/service.c %D%/service.h
