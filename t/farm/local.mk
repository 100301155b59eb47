# SPDX-License-Identifier: ISC

noinst_PROGRAMS += t/farm/farmsrv t/farm/farmcli
t_farm_farmsrv_SOURCES = %D%/farmsrv.c
t_farm_farmsrv_LDADD = $(COMMON_LIBS)
t_farm_farmcli_SOURCES = \
	%D%/client.h \
	%D%/control.c \
	%D%/fair.c \
	%D%/farmcli.c \
	%D%/fresh.c \
	%D%/hold.c \
	%D%/hold-report.c \
	%D%/hold.h \
	%D%/load.c \
	%D%/name.c \
	%D%/source.c \
	%D%/trial.c \
	%D%/trial.h \
	%D%/udp.c
t_farm_farmcli_LDADD = $(COMMON_LIBS)
EXTRA_DIST += \
	%D%/campaign \
	%D%/lib.bash \
	%D%/module \
	%D%/round.bash

noinst_PROGRAMS += t/farm/filterctl
t_farm_filterctl_SOURCES = %D%/filterctl.c
t_farm_filterctl_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
t_farm_filterctl_LDADD = $(FARMD_LIBS)
noinst_PROGRAMS += t/farm/bucket
t_farm_bucket_SOURCES = %D%/bucket.c
t_farm_bucket_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
t_farm_bucket_LDADD = $(FARMD_LIBS)
