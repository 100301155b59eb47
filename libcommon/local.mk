# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libcommon/libcommon.a
libcommon_libcommon_a_SOURCES = \
	%D%/agent.c %D%/agent.h \
	%D%/asidelist.c %D%/asidelist.h \
	%D%/ask.c %D%/ask.h \
	%D%/cgroup.c %D%/cgroup.h \
	%D%/child.c %D%/child.h \
	%D%/clock.c %D%/clock.h \
	%D%/cluster.c %D%/cluster.h \
	%D%/code.c %D%/code.h \
	%D%/conf.c %D%/conf.h \
	%D%/configured.c %D%/configured.h \
	%D%/crc32c.c %D%/crc32c.h \
	%D%/daemon.c %D%/daemon.h \
	%D%/debounce.c %D%/debounce.h \
	%D%/echo.c %D%/echo.h \
	%D%/env.c %D%/env.h \
	%D%/epoch.c %D%/epoch.h \
	%D%/expr.c %D%/expr.h \
	%D%/fail.h \
	%D%/frame.c %D%/frame.h \
	%D%/human.c %D%/human.h \
	%D%/invite.c %D%/invite.h \
	%D%/journal.c %D%/journal.h \
	%D%/keep.c %D%/keep.h \
	%D%/lease.c %D%/lease.h \
	%D%/line.c %D%/line.h \
	%D%/log.c %D%/log.h \
	%D%/loop.c %D%/loop.h \
	%D%/machine.c %D%/machine.h \
	%D%/nft-doc.c %D%/nft-doc.h \
	%D%/nft-link.c %D%/nft-link.h \
	%D%/nft-table.c %D%/nft-table.h \
	%D%/observe.c %D%/observe.h \
	%D%/paths.c %D%/paths.h \
	%D%/punctual.c %D%/punctual.h \
	%D%/priv.c %D%/priv.h \
	%D%/register.c %D%/register.h \
	%D%/remote.c %D%/remote.h \
	%D%/seal.c %D%/seal.h \
	%D%/serve-peer.c %D%/serve-peer.h \
	%D%/serve.c %D%/serve.h \
	%D%/sockdiag.c %D%/sockdiag.h \
	%D%/statefile.c %D%/statefile.h \
	%D%/vote.c %D%/vote.h \
	%D%/when.c %D%/when.h \
	%D%/whole.c %D%/whole.h \
	%D%/xalloc.c %D%/xalloc.h
# How a line reaches journald; syslog(3) when it does not.
if JOURNAL
libcommon_libcommon_a_SOURCES += %D%/journal-native.c
else
libcommon_libcommon_a_SOURCES += %D%/journal-none.c
endif
# Where a test may have a daemon killed.  The archive is made again when the
# choice changes, whatever the age of the two objects.
if FAILPOINTS
libcommon_libcommon_a_SOURCES += %D%/fail.c
else
libcommon_libcommon_a_SOURCES += %D%/fail-none.c
endif
EXTRA_libcommon_libcommon_a_DEPENDENCIES = config.status
