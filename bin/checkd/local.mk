# SPDX-License-Identifier: ISC

noinst_LIBRARIES += bin/checkd/libcheckd.a
bin_checkd_libcheckd_a_SOURCES = \
	%D%/check-custom.c \
	%D%/check-disk.c \
	%D%/check-ping.c \
	%D%/check-proc.c \
	%D%/check-tcp.c \
	%D%/check.c %D%/check.h \
	%D%/checkd-conf.h \
	%D%/newproc.c %D%/newproc.h \
	%D%/procs.c %D%/procs.h \
	%D%/program.c %D%/program.h

pkglibexec_PROGRAMS += bin/checkd/checkd
bin_checkd_checkd_SOURCES = %D%/main.c
bin_checkd_checkd_LDADD = bin/checkd/libcheckd.a $(COMMON_LIBS)
