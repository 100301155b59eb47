# SPDX-License-Identifier: ISC

noinst_LIBRARIES += bin/remoted/libremoted.a
bin_remoted_libremoted_a_SOURCES = \
	%D%/admit.c %D%/admit.h \
	%D%/budget.c %D%/budget.h \
	%D%/call.c %D%/call.h \
	%D%/chan.c %D%/chan.h \
	%D%/job.c %D%/job.h \
	%D%/remoted.c %D%/remoted.h \
	%D%/server.c %D%/server.h \
	%D%/session.c %D%/session.h

pkglibexec_PROGRAMS += bin/remoted/remoted
bin_remoted_remoted_SOURCES = %D%/main.c
bin_remoted_remoted_LDADD = bin/remoted/libremoted.a $(COMMON_LIBS)
