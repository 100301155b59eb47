# SPDX-License-Identifier: ISC

check_PROGRAMS += t/unit/keep
t_unit_keep_SOURCES = %D%/keep.c %D%/tap.h
t_unit_keep_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/shelf
t_unit_shelf_SOURCES = %D%/shelf.c %D%/tap.h
t_unit_shelf_LDADD = bin/keepd/libkeepd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/service
t_unit_service_SOURCES = %D%/service.c %D%/tap.h
t_unit_service_LDADD = bin/holdfastd/libholdfastd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/roster
t_unit_roster_SOURCES = %D%/roster.c %D%/tap.h
t_unit_roster_LDADD = bin/holdfastd/libholdfastd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/adopt
t_unit_adopt_SOURCES = %D%/adopt.c %D%/tap.h
t_unit_adopt_LDADD = bin/holdfastd/libholdfastd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/cgroup
t_unit_cgroup_SOURCES = %D%/cgroup.c %D%/tap.h
t_unit_cgroup_LDADD = $(COMMON_LIBS)

MIRRORD_LIBS = bin/mirrord/libmirrord.a $(COMMON_LIBS) $(XXHASH_LIBS)

check_PROGRAMS += t/unit/op
t_unit_op_SOURCES = %D%/op.c %D%/tap.h
t_unit_op_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/object
t_unit_object_SOURCES = %D%/object.c %D%/tap.h %D%/tree.h
t_unit_object_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/store
t_unit_store_SOURCES = %D%/store.c %D%/tap.h %D%/tree.h
t_unit_store_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/vip
t_unit_vip_SOURCES = %D%/vip.c %D%/tap.h
t_unit_vip_LDADD = bin/vipd/libvipd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/wire
t_unit_wire_SOURCES = %D%/wire.c %D%/tap.h
t_unit_wire_LDADD = bin/vipd/libvipd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/stream
t_unit_stream_SOURCES = %D%/stream.c %D%/tap.h
t_unit_stream_LDADD = $(MIRRORD_LIBS)
