# SPDX-License-Identifier: ISC

noinst_LIBRARIES += bin/vipd/libvipd.a
bin_vipd_libvipd_a_SOURCES = \
	%D%/addr-netlink.c %D%/addr.h \
	%D%/module.c %D%/module.h \
	%D%/packet.c %D%/packet.h \
	%D%/reset.c %D%/reset.h \
	%D%/vip.c %D%/vip.h \
	%D%/wire.c %D%/wire.h
pkglibexec_PROGRAMS += bin/vipd/vipd
bin_vipd_vipd_SOURCES = %D%/main.c
bin_vipd_vipd_LDADD = bin/vipd/libvipd.a $(COMMON_LIBS) $(MNL_LIBS)
