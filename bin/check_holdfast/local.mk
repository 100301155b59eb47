# SPDX-License-Identifier: ISC
# It asks as the command does: status.h, talk.h and modules.h of holdfast.

noinst_LIBRARIES += bin/check_holdfast/libcheck_holdfast.a
bin_check_holdfast_libcheck_holdfast_a_SOURCES = \
	%D%/judge.c %D%/judge.h \
	%D%/range.c %D%/range.h
bin_check_holdfast_libcheck_holdfast_a_CPPFLAGS = $(AM_CPPFLAGS) \
	-I$(srcdir)/bin/holdfast
CHECK_HOLDFAST_LIBS = bin/check_holdfast/libcheck_holdfast.a \
	bin/holdfast/libholdfast.a $(COMMON_LIBS) -lm

# Where monitors look for plugins is theirs; the page says how to link it.
sbin_PROGRAMS += bin/check_holdfast/check_holdfast
bin_check_holdfast_check_holdfast_SOURCES = %D%/main.c
bin_check_holdfast_check_holdfast_CPPFLAGS = $(AM_CPPFLAGS) \
	-I$(srcdir)/bin/holdfast -DHF_VERSION='"$(PACKAGE_VERSION)"'
bin_check_holdfast_check_holdfast_LDADD = $(CHECK_HOLDFAST_LIBS)
