# SPDX-License-Identifier: ISC
# Every suite is a file t/*.bats; every program of t/unit is a test.

TEST_EXTENSIONS = .bats
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
BATS_LOG_DRIVER = $(TAP_DRIVER)
BATS_LOG_COMPILER = $(BATS)
AM_BATS_LOG_FLAGS = --tap
AM_TESTS_ENVIRONMENT = export top_srcdir='$(abs_top_srcdir)' \
	top_builddir='$(abs_top_builddir)' CC='$(CC)';

# They start in this order, some beside each other: the longest first, or the
# last one runs alone, and early those that are nice.  By theme: one suite a
# daemon, then the scenarios of a whole cluster, by number.
BATS_SUITES = \
	t/60-failpoints.bats \
	t/95-torture.bats \
	t/81-systemd.bats \
	t/97-model.bats \
	t/package.bats \
	t/76-witness.bats \
	t/45-register.bats \
	t/80-operator.bats \
	t/80-postgresql.bats \
	t/77-voters.bats \
	t/77-etcd.bats \
	t/91-farm-modules.bats \
	t/style.bats \
	t/92-farm-campaign.bats \
	t/47-diverged.bats \
	t/47-splits.bats \
	t/71-newcomer.bats \
	t/30-network.bats \
	t/46-frozen.bats \
	t/48-fencing.bats \
	t/90-farm.bats \
	t/10-takeover.bats \
	t/81-modules.bats \
	t/75-checks.bats \
	t/50-trouble.bats \
	t/40-reunion.bats \
	t/moduled.bats \
	t/moduled-fencing.bats \
	t/20-daemons.bats \
	t/98-mirror-load.bats \
	t/87-many-modules.bats \
	t/lab.bats \
	t/93-farm-sixteen.bats \
	t/vipd.bats \
	t/heartd.bats \
	t/mirrord-lease.bats \
	t/mirrord-pair.bats \
	t/mirrord-exclude.bats \
	t/mirrord-writeback.bats \
	t/mirrord-receipt.bats \
	t/mirrord-repeat.bats \
	t/mirrord-resync.bats \
	t/mirrord-verify.bats \
	t/mirrord-rules.bats \
	t/mirrord-sweep.bats \
	t/remoted.bats \
	t/70-reader.bats \
	t/92-farm-and-mirror.bats \
	t/farmd.bats \
	t/farmd-filter.bats \
	t/farmd-filter-bpf.bats \
	t/farmd-bpf.bats \
	t/moduled-farm.bats \
	t/holdfastd.bats \
	t/alertd.bats \
	t/witnessd.bats \
	t/mirrord.bats \
	t/posix.bats \
	t/pjdfstest.bats \
	t/mirrord-sparse.bats \
	t/fsx.bats \
	t/etcd.bats \
	t/mirrord-two-dirs.bats \
	t/mirrord-mountpoint.bats \
	t/runscript.bats \
	t/checkd.bats \
	t/consoled.bats \
	t/farm-clients.bats \
	t/ledger.bats \
	t/etc.bats \
	t/holdfast.bats \
	t/check_holdfast.bats \
	t/bench.bats \
	t/again.bats \
	t/keepd.bats \
	t/86-growth.bats \
	t/83-two-builds.bats
EXTRA_DIST += $(BATS_SUITES) t/again.sh t/lib.bash t/mirror.bash t/told.bash \
	t/moduled.bash t/files/fence-fake.bash t/files/fence-device.bash \
	t/conf t/model
if HAVE_BATS
if SYSTEM_PATHS
TESTS += $(BATS_SUITES)
else
TESTS += t/style.bats
endif
endif
# They fill what the suites leave, and are to disturb none that measures.
TESTS += $(check_PROGRAMS)
LOG_COMPILER = nice
AM_LOG_FLAGS = -n 5

# What needs neither root nor a network, as when a package is built.
check-unit: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(check_PROGRAMS)'
.PHONY: check-unit

# The same with ten seeds and the sizes of a real tree.
check-long: all
	HOLDFAST_LONG=1 $(MAKE) $(AM_MAKEFLAGS) check
.PHONY: check-long

# Of a tree configured with --enable-sanitize, best one of its own.  What a
# daemon says as it dies may be seen by no test: it goes to files, and there
# must be none.  On the hosts of a lab it is in their logs, and t/lib.bash
# looks there.
check-sanitize: all
	@grep -q -e -fsanitize=address config.status || { \
	    echo "configure --enable-sanitize CFLAGS='-g -O1' first" >&2; \
	    exit 1; }
	rm -rf sanitizer && mkdir -m 1777 sanitizer
	@rc=0; ASAN_OPTIONS=log_path='$(abs_top_builddir)'/sanitizer/report; \
	HOLDFAST_SLOW=$${HOLDFAST_SLOW-4}; \
	export ASAN_OPTIONS HOLDFAST_SLOW; $(MAKE) $(AM_MAKEFLAGS) check || rc=1; \
	for f in sanitizer/report.*; do \
		[ ! -f "$$f" ] || { cat "$$f"; rc=1; }; \
	done; exit $$rc
.PHONY: check-sanitize

# What the suites of mirrord drive it with.
noinst_PROGRAMS += \
	t/files/acks \
	t/files/await \
	t/files/etcd-votes \
	t/files/fsx \
	t/files/ops \
	t/files/votes \
	t/files/work \
	t/posix/posix
t_posix_posix_SOURCES = \
	t/posix/attr.c \
	t/posix/data.c \
	t/posix/dir.c \
	t/posix/lock.c \
	t/posix/main.c \
	t/posix/misc.c \
	t/posix/name.c \
	t/posix/open.c \
	t/posix/posix.h \
	t/posix/space.c \
	t/posix/xattr.c
EXTRA_DIST += t/posix/differences
t_files_acks_SOURCES = t/files/acks.c
t_files_await_SOURCES = t/files/await.c
t_files_fsx_SOURCES = t/files/fsx.c
t_files_ops_SOURCES = t/files/ops.c
t_files_etcd_votes_SOURCES = t/files/etcd-votes.c
t_files_etcd_votes_LDADD = $(MODULED_LIBS)
t_files_votes_SOURCES = t/files/votes.c
t_files_votes_LDADD = $(COMMON_LIBS)
t_files_work_SOURCES = t/files/work.c
