# SPDX-License-Identifier: ISC
noinst_LIBRARIES += bin/holdfastd/libholdfastd.a
bin_holdfastd_libholdfastd_a_SOURCES = \
	%D%/adopt.c %D%/adopt.h \
	%D%/halt.c %D%/halt.h \
	%D%/holdfastd-conf.h \
	%D%/notify.c %D%/notify.h \
	%D%/roster.c %D%/roster.h \
	%D%/service.c %D%/service.h \
	%D%/spawn.c %D%/spawn.h \
	%D%/super.c %D%/super.h

pkglibexec_PROGRAMS += bin/holdfastd/holdfastd
bin_holdfastd_holdfastd_SOURCES = %D%/main.c
bin_holdfastd_holdfastd_LDADD = bin/holdfastd/libholdfastd.a $(COMMON_LIBS)
