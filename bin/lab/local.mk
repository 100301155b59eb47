# SPDX-License-Identifier: ISC
# What it sources and the init of a host are in a directory of their own.

labdir = $(pkglibexecdir)/lab
lab_PROGRAMS = bin/lab/labinit bin/lab/crowd bin/lab/delay
bin_lab_crowd_SOURCES = %D%/crowd.c
bin_lab_crowd_LDADD = $(COMMON_LIBS)
bin_lab_delay_SOURCES = %D%/delay.c
bin_lab_delay_LDADD = $(COMMON_LIBS) $(MNL_LIBS)
bin_lab_labinit_SOURCES = %D%/labinit.c
bin_lab_labinit_LDADD = $(COMMON_LIBS)

dist_sbin_SCRIPTS = %D%/holdfast-lab
dist_lab_SCRIPTS = %D%/mount-host.bash %D%/watchdog-read.bash %D%/demo \
	%D%/demo-farm
dist_lab_DATA = \
	%D%/common.bash \
	%D%/demo.bash \
	%D%/net.bash \
	%D%/host.bash \
	%D%/disk.bash \
	%D%/cut.bash \
	%D%/clock.bash \
	%D%/watchdog.bash \
	%D%/cluster.bash \
	%D%/module.bash
