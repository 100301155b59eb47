# SPDX-License-Identifier: ISC

noinst_LIBRARIES += bin/moduled/libmoduled.a
bin_moduled_libmoduled_a_SOURCES = \
	%D%/chain.c %D%/chain.h \
	%D%/decide-int.h \
	%D%/decide-move.c \
	%D%/decide-register.c %D%/decide-register.h \
	%D%/decide-register-second.c \
	%D%/decide-register-serve.c \
	%D%/decide-register-wait.c \
	%D%/decide-power.c \
	%D%/device.c %D%/device.h \
	%D%/decide-second.c \
	%D%/decide-serve.c \
	%D%/decide-standing.c %D%/decide-standing.h \
	%D%/decide-wait.c \
	%D%/decide.c %D%/decide.h \
	%D%/disk.c %D%/disk.h \
	%D%/etcd.c %D%/etcd.h \
	%D%/facts.c %D%/facts.h \
	%D%/farm-decide.c %D%/farm-decide.h \
	%D%/farm-facts.c %D%/farm-facts.h \
	%D%/flap.c %D%/flap.h \
	%D%/fsm.c %D%/fsm.h \
	%D%/grant.c %D%/grant.h \
	%D%/kept.c %D%/kept.h \
	%D%/machine.c %D%/machine.h \
	%D%/newest.c %D%/newest.h \
	%D%/notice.c %D%/notice.h \
	%D%/outside.h \
	%D%/phase.c %D%/phase.h \
	%D%/post.c %D%/post.h \
	%D%/power.c %D%/power.h \
	%D%/propose-answer.c \
	%D%/propose-int.h \
	%D%/propose-quorum.c \
	%D%/propose-view.c \
	%D%/propose.c %D%/propose.h \
	%D%/reason.c %D%/reason.h \
	%D%/reg.h \
	%D%/record-step.c %D%/record.h \
	%D%/reg-may.c %D%/reg-may.h \
	%D%/reg.h \
	%D%/resource.c %D%/resource.h \
	%D%/resync-story.c %D%/resync-story.h \
	%D%/rules.c %D%/rules.h \
	%D%/scripts.c %D%/scripts.h \
	%D%/sequence.c %D%/sequence.h \
	%D%/sync-plan.c %D%/sync-plan.h \
	%D%/voter-etcd.c %D%/voter-etcd.h \
	%D%/wish.c %D%/wish.h
bin_moduled_libmoduled_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) \
	$(JANSSON_CFLAGS)
MODULED_LIBS = bin/moduled/libmoduled.a $(COMMON_LIBS) $(CURL_LIBS) \
	$(JANSSON_LIBS)

pkglibexec_PROGRAMS += bin/moduled/moduled
bin_moduled_moduled_SOURCES = \
	%D%/evidence.c %D%/evidence.h \
	%D%/checks.c \
	%D%/events.c %D%/events.h \
	%D%/failover.c %D%/failover.h \
	%D%/farm.c %D%/farm.h \
	%D%/hold.c %D%/hold.h \
	%D%/links.c \
	%D%/main.c \
	%D%/mirror.c \
	%D%/moduled-conf.h \
	%D%/moduled.h \
	%D%/record.c \
	%D%/standing.c %D%/standing.h \
	%D%/status-farm.c \
	%D%/status-int.h \
	%D%/status-lease.c \
	%D%/status-notice.c \
	%D%/status-wait.c \
	%D%/status.c \
	%D%/think.c \
	%D%/verbs.c \
	%D%/voters-memory.c \
	%D%/voters-udp.c \
	%D%/voters.c %D%/voters.h \
	%D%/why.c
bin_moduled_moduled_LDADD = $(MODULED_LIBS)
