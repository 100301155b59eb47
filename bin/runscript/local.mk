# SPDX-License-Identifier: ISC
noinst_LIBRARIES += bin/runscript/librunscript.a
bin_runscript_librunscript_a_SOURCES = \
	%D%/family.c %D%/family.h \
	%D%/report.c %D%/report.h

pkglibexec_PROGRAMS += bin/runscript/runscript
bin_runscript_runscript_SOURCES = %D%/main.c
bin_runscript_runscript_LDADD = bin/runscript/librunscript.a $(COMMON_LIBS)
