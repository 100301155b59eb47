# SPDX-License-Identifier: ISC
noinst_LIBRARIES += bin/mirrord/libmirrord.a
bin_mirrord_libmirrord_a_SOURCES =

# The front: FUSE, requests, mounts, role.
bin_mirrord_libmirrord_a_SOURCES += \
	%D%/mirrord-conf.c %D%/mirrord-conf.h

# The store and the link: ops, objects, stream, apply.

# The memory: generations, logs, dirty set, resync.
