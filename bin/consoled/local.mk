# SPDX-License-Identifier: ISC

noinst_LIBRARIES += bin/consoled/libconsoled.a
bin_consoled_libconsoled_a_SOURCES = \
	%D%/consoled-conf.h \
	%D%/health.c %D%/health.h \
	%D%/http.c %D%/http.h \
	%D%/listen.c %D%/listen.h
bin_consoled_libconsoled_a_CFLAGS = $(AM_CFLAGS) $(MICROHTTPD_CFLAGS)

pkglibexec_PROGRAMS += bin/consoled/consoled
bin_consoled_consoled_SOURCES = %D%/main.c
bin_consoled_consoled_LDADD = bin/consoled/libconsoled.a $(COMMON_LIBS) \
	$(MICROHTTPD_LIBS)
