# SPDX-License-Identifier: ISC
# The command; xpathGet, boundcmd and safekit are links to it.

noinst_LIBRARIES += bin/holdfast/libholdfast.a
bin_holdfast_libholdfast_a_SOURCES = \
	%D%/act.c \
	%D%/alert.c \
	%D%/archive.c %D%/archive.h \
	%D%/check.c \
	%D%/check-farm.c %D%/check-farm.h \
	%D%/check-fencing.c %D%/check-fencing.h \
	%D%/check-voters.c %D%/check-voters.h \
	%D%/cluster.c \
	%D%/cluster-edit.c %D%/cluster-edit.h \
	%D%/cluster-fence.c \
	%D%/cluster-invite.c \
	%D%/cluster-join.c \
	%D%/cluster-keys.c \
	%D%/cluster-push.c \
	%D%/cluster-verbs.h \
	%D%/cluster-witness.c \
	%D%/cluster-etcd.c \
	%D%/capture.c %D%/capture.h \
	%D%/cmd.h \
	%D%/command.c %D%/command.h \
	%D%/config-check.c \
	%D%/config-checks.c %D%/config-checks.h \
	%D%/config-cluster.c %D%/config-cluster.h \
	%D%/config-diff.c %D%/config-diff.h \
	%D%/config-farm.c %D%/config-farm.h \
	%D%/config-farm-rules.c \
	%D%/config-fencing.c %D%/config-fencing.h \
	%D%/config-lans.c %D%/config-lans.h \
	%D%/config-macro.c \
	%D%/config-rules.c \
	%D%/config-safe.c %D%/config-safe.h %D%/config-safe-parts.h \
	%D%/config-tables-cluster.c \
	%D%/config-tables-safe.c \
	%D%/config-tables.c %D%/config-tables.h \
	%D%/config-value.c %D%/config-value.h \
	%D%/config-vip.c %D%/config-vip.h \
	%D%/config-voters.c %D%/config-voters.h \
	%D%/config-write-checks.c \
	%D%/config-write-farm.c \
	%D%/config-write.c \
	%D%/config-xml.c %D%/config-xml.h \
	%D%/configure.c %D%/configure.h \
	%D%/farm.c %D%/farm.h \
	%D%/farm-show.c \
	%D%/farm-view.c %D%/farm-view.h \
	%D%/fence.c %D%/fence.h \
	%D%/files.c %D%/files.h \
	%D%/diverged.c %D%/diverged.h \
	%D%/diverged-diff.c \
	%D%/diverged-restore.c \
	%D%/run.c %D%/run.h \
	%D%/freeze.c \
	%D%/verify.c \
	%D%/generation.c %D%/generation.h \
	%D%/goal.c %D%/goal.h \
	%D%/helper.c %D%/helper.h \
	%D%/keys-plan.c %D%/keys-plan.h \
	%D%/layer.c %D%/layer.h \
	%D%/log-verb.c \
	%D%/maintain.c \
	%D%/module.c \
	%D%/module-new.c \
	%D%/module-push.c \
	%D%/module-verbs.h \
	%D%/module-conf.c %D%/module-conf.h \
	%D%/modules.c %D%/modules.h \
	%D%/node.c \
	%D%/probe.c %D%/probe.h \
	%D%/nodes.c %D%/nodes.h \
	%D%/report.c %D%/report.h \
	%D%/rescue.c %D%/rescue.h \
	%D%/resolve.c %D%/resolve.h \
	%D%/resource.c \
	%D%/show-json.c \
	%D%/show.c %D%/show.h \
	%D%/status.c %D%/status.h \
	%D%/scrub.c %D%/scrub.h \
	%D%/snapshot.c \
	%D%/story.c %D%/story.h \
	%D%/talk.c %D%/talk.h \
	%D%/text.c %D%/text.h \
	%D%/upgrade.c \
	%D%/witness-list.c \
	%D%/voter-ask.c %D%/voter-ask.h \
	%D%/why.c
bin_holdfast_libholdfast_a_CFLAGS = $(AM_CFLAGS) $(XML_CFLAGS) \
	$(ARCHIVE_CFLAGS) $(JANSSON_CFLAGS)

HOLDFAST_LIBS = bin/holdfast/libholdfast.a $(COMMON_LIBS) $(XML_LIBS) \
	$(ARCHIVE_LIBS) $(JANSSON_LIBS)

sbin_PROGRAMS += bin/holdfast/holdfast
bin_holdfast_holdfast_SOURCES = %D%/main.c
bin_holdfast_holdfast_CFLAGS = $(bin_holdfast_libholdfast_a_CFLAGS)
bin_holdfast_holdfast_CPPFLAGS = $(AM_CPPFLAGS) \
	-DHF_VERSION='"$(PACKAGE_VERSION)"'
bin_holdfast_holdfast_LDADD = $(HOLDFAST_LIBS)

dist_pkgdata_DATA = etc/userconfig.rng etc/cluster.rng

install-exec-hook: install-holdfast-links
install-holdfast-links:
	$(MKDIR_P) '$(DESTDIR)$(pkglibexecdir)/bin'
	cd '$(DESTDIR)$(pkglibexecdir)' && rm -f safekit bin/xpathGet \
	    bin/boundcmd && \
	    $(LN_S) ../../sbin/holdfast safekit && \
	    $(LN_S) ../../../sbin/holdfast bin/xpathGet && \
	    $(LN_S) ../../../sbin/holdfast bin/boundcmd
	cd '$(DESTDIR)$(sbindir)' && rm -f witnessd && \
	    $(LN_S) ../lib/holdfast/witnessd witnessd
uninstall-hook: uninstall-holdfast-links
uninstall-holdfast-links:
	rm -f '$(DESTDIR)$(pkglibexecdir)/safekit' \
	    '$(DESTDIR)$(pkglibexecdir)/bin/xpathGet' \
	    '$(DESTDIR)$(pkglibexecdir)/bin/boundcmd' \
	    '$(DESTDIR)$(sbindir)/witnessd'
.PHONY: install-holdfast-links uninstall-holdfast-links
