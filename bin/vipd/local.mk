# SPDX-License-Identifier: ISC

noinst_LIBRARIES += bin/vipd/libvipd.a
bin_vipd_libvipd_a_SOURCES = \
	%D%/act.c %D%/act.h \
	%D%/addr-netlink.c %D%/addr.h \
	%D%/claim.c %D%/claim.h \
	%D%/guard.c %D%/guard.h \
	%D%/module.c %D%/module.h \
	%D%/packet.c %D%/packet.h \
	%D%/probe.c %D%/probe.h \
	%D%/reset.c %D%/reset.h \
	%D%/show.c %D%/show.h \
	%D%/term.c %D%/term.h \
	%D%/vip.c %D%/vip.h \
	%D%/vipd.c %D%/vipd.h \
	%D%/wire.c %D%/wire.h
pkglibexec_PROGRAMS += bin/vipd/vipd
bin_vipd_vipd_SOURCES = %D%/main.c
bin_vipd_vipd_LDADD = bin/vipd/libvipd.a $(COMMON_LIBS) $(MNL_LIBS) \
	$(NFTABLES_LIBS)
