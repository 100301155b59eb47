# SPDX-License-Identifier: ISC

noinst_LIBRARIES += bin/alertd/libalertd.a
bin_alertd_libalertd_a_SOURCES = \
	%D%/alert.c %D%/alert.h \
	%D%/alertd-conf.h \
	%D%/hook.c %D%/hook.h

pkglibexec_PROGRAMS += bin/alertd/alertd
bin_alertd_alertd_SOURCES = %D%/main.c
bin_alertd_alertd_LDADD = bin/alertd/libalertd.a $(COMMON_LIBS)
