# SPDX-License-Identifier: ISC

noinst_LIBRARIES += bin/witnessd/libwitnessd.a
bin_witnessd_libwitnessd_a_SOURCES = \
	%D%/admin.c %D%/admin.h \
	%D%/ballot.c %D%/ballot.h \
	%D%/clusters.c %D%/clusters.h \
	%D%/edge.c %D%/edge.h \
	%D%/slots.c %D%/slots.h \
	%D%/store.c %D%/store.h \
	%D%/voter.c %D%/voter.h \
	%D%/witnessd-conf.h

pkglibexec_PROGRAMS += bin/witnessd/witnessd
bin_witnessd_witnessd_SOURCES = %D%/main.c
bin_witnessd_witnessd_LDADD = bin/witnessd/libwitnessd.a $(COMMON_LIBS)
