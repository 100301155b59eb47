# SPDX-License-Identifier: ISC

noinst_LIBRARIES += bin/heartd/libheartd.a
bin_heartd_libheartd_a_SOURCES = \
	%D%/beat.c %D%/beat.h \
	%D%/blob.c %D%/blob.h \
	%D%/datagram.c %D%/datagram.h \
	%D%/event.c %D%/event.h \
	%D%/heart.c %D%/heart.h \
	%D%/incarnation.c %D%/incarnation.h \
	%D%/link.c %D%/link.h \
	%D%/module.c %D%/module.h \
	%D%/receive.c %D%/receive.h \
	%D%/twin.c %D%/twin.h \
	%D%/watchdog.c %D%/watchdog.h

pkglibexec_PROGRAMS += bin/heartd/heartd
bin_heartd_heartd_SOURCES = %D%/main.c
bin_heartd_heartd_LDADD = bin/heartd/libheartd.a $(COMMON_LIBS)
