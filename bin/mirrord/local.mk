# SPDX-License-Identifier: ISC
noinst_LIBRARIES += bin/mirrord/libmirrord.a
bin_mirrord_libmirrord_a_SOURCES =

# The front: FUSE, requests, mounts, role.
bin_mirrord_libmirrord_a_SOURCES += \
	%D%/evidence.c %D%/evidence.h \
	%D%/exclude.c %D%/exclude.h \
	%D%/freeze.c %D%/freeze.h \
	%D%/fuse.c %D%/fuse.h \
	%D%/hold.c %D%/hold.h \
	%D%/holders.c %D%/holders.h \
	%D%/intake.c %D%/intake.h \
	%D%/lives.c %D%/lives.h \
	%D%/lookup.c %D%/lookup.h \
	%D%/mirrord-conf.c %D%/mirrord-conf.h \
	%D%/mount.c %D%/mount.h \
	%D%/mountinfo.c %D%/mountinfo.h \
	%D%/orphan.c %D%/orphan.h \
	%D%/pace.c %D%/pace.h \
	%D%/parcel.c %D%/parcel.h \
	%D%/parts.c %D%/parts.h \
	%D%/parts-exclude.c \
	%D%/peer.c \
	%D%/request-attr.c \
	%D%/request-data.c \
	%D%/request-dir.c \
	%D%/request-name.c \
	%D%/request-tmpfile.c \
	%D%/request.c %D%/request.h \
	%D%/role-aside.c \
	%D%/role-record.c \
	%D%/role-steps.c \
	%D%/role-verify.c %D%/role-verify.h \
	%D%/role.c %D%/role.h %D%/role-int.h \
	%D%/space.c %D%/space.h \
	%D%/space-watch.c %D%/space-watch.h \
	%D%/wish.c %D%/wish.h

# The store and the link: ops, objects, stream, apply.
bin_mirrord_libmirrord_a_SOURCES += \
	%D%/apply.c %D%/apply.h \
	%D%/conn.c %D%/conn.h \
	%D%/link.c %D%/link.h \
	%D%/keys.c %D%/keys.h \
	%D%/link-hello.c %D%/link-hello.h \
	%D%/link-primary.c \
	%D%/link-run.c %D%/link-run.h \
	%D%/link-second.c \
	%D%/object.c %D%/object.h \
	%D%/object-cache.c %D%/object-cache.h \
	%D%/object-index.c %D%/object-index.h \
	%D%/object-local.c %D%/object-local.h \
	%D%/object-scan.c \
	%D%/op.c %D%/op.h \
	%D%/queue.c %D%/queue.h \
	%D%/store.c %D%/store.h \
	%D%/stream.c %D%/stream.h \
	%D%/wire.c %D%/wire.h

# The memory: generations, logs, dirty set, resync.
bin_mirrord_libmirrord_a_SOURCES += \
	%D%/actlog.c %D%/actlog.h \
	%D%/aside.c %D%/aside.h %D%/aside-int.h \
	%D%/aside-build.c \
	%D%/aside-copy.c %D%/aside-copy.h \
	%D%/aside-end.c \
	%D%/aside-hold.c \
	%D%/aside-stage.c \
	%D%/change.c %D%/change.h \
	%D%/change-keys.c %D%/change-keys.h \
	%D%/dirty.c %D%/dirty.h \
	%D%/dirty-log.c \
	%D%/gen.c %D%/gen.h \
	%D%/meet.c %D%/meet.h \
	%D%/oidset.c %D%/oidset.h \
	%D%/record.c %D%/record.h \
	%D%/resync-aside.c \
	%D%/resync.c %D%/resync.h \
	%D%/sweep.c %D%/sweep.h \
	%D%/unlogged.c %D%/unlogged.h \
	%D%/verify.c %D%/verify.h %D%/verify-int.h \
	%D%/verify-frame.c %D%/verify-frame.h \
	%D%/verify-list.c %D%/verify-list.h \
	%D%/verify-look.c %D%/verify-look.h \
	%D%/verify-source.c \
	%D%/verify-state.c \
	%D%/verify-target.c \
	%D%/verify-walk.h \
	%D%/resync-data.c \
	%D%/resync-estimate.c %D%/resync-estimate.h \
	%D%/resync-frame.h \
	%D%/resync-int.h \
	%D%/resync-names.c \
	%D%/resync-pass.h \
	%D%/resync-source.c \
	%D%/resync-stage.c \
	%D%/resync-target.c \
	%D%/resync-write.c

pkglibexec_PROGRAMS += bin/mirrord/mirrord
bin_mirrord_mirrord_SOURCES = %D%/main.c
bin_mirrord_mirrord_LDADD = bin/mirrord/libmirrord.a $(COMMON_LIBS) \
	$(XXHASH_LIBS)
