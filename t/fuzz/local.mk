# SPDX-License-Identifier: ISC
# Each parser of foreign bytes has a fuzzer NAME.c and a corpus/NAME.  Without
# --enable-fuzz it is linked with standalone.c and is a test of `make check'.

# Each input of these is some files.
FUZZ_FEW = $(AM_CPPFLAGS) -DMUTATIONS=150

FUZZERS += t/fuzz/line
t_fuzz_line_SOURCES = %D%/line.c $(FUZZ_MAIN)
t_fuzz_line_LDADD = $(COMMON_LIBS)
t_fuzz_line_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/frame
t_fuzz_frame_SOURCES = %D%/frame.c $(FUZZ_MAIN)
t_fuzz_frame_LDADD = $(COMMON_LIBS)
t_fuzz_frame_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/etcd
t_fuzz_etcd_SOURCES = %D%/etcd.c $(FUZZ_MAIN)
t_fuzz_etcd_LDADD = $(MODULED_LIBS)
t_fuzz_etcd_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/vote
t_fuzz_vote_SOURCES = %D%/vote.c $(FUZZ_MAIN)
t_fuzz_vote_LDADD = $(COMMON_LIBS)
t_fuzz_vote_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/wire
t_fuzz_wire_SOURCES = %D%/wire.c $(FUZZ_MAIN)
t_fuzz_wire_LDADD = bin/vipd/libvipd.a $(COMMON_LIBS)
t_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/farm-blob
t_fuzz_farm_blob_SOURCES = %D%/farm-blob.c $(FUZZ_MAIN)
t_fuzz_farm_blob_LDADD = $(FARMD_LIBS)
t_fuzz_farm_blob_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/remote
t_fuzz_remote_SOURCES = %D%/remote.c $(FUZZ_MAIN)
t_fuzz_remote_LDADD = $(COMMON_LIBS)
t_fuzz_remote_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/frame-op
t_fuzz_frame_op_SOURCES = %D%/frame-op.c $(FUZZ_MAIN)
t_fuzz_frame_op_LDADD = bin/mirrord/libmirrord.a $(COMMON_LIBS)
t_fuzz_frame_op_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/frame-verify
t_fuzz_frame_verify_SOURCES = %D%/frame-verify.c $(FUZZ_MAIN)
t_fuzz_frame_verify_LDADD = bin/mirrord/libmirrord.a $(COMMON_LIBS)
t_fuzz_frame_verify_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/fuse
t_fuzz_fuse_SOURCES = %D%/fuse.c $(FUZZ_MAIN)
t_fuzz_fuse_LDADD = bin/mirrord/libmirrord.a $(COMMON_LIBS)
t_fuzz_fuse_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/config
t_fuzz_config_SOURCES = %D%/config.c $(FUZZ_MAIN)
t_fuzz_config_CFLAGS = $(AM_CFLAGS) $(XML_CFLAGS)
t_fuzz_config_LDADD = $(HOLDFAST_LIBS)
t_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/gen
t_fuzz_gen_SOURCES = %D%/gen.c %D%/blocks.h %D%/state.h $(FUZZ_MAIN)
t_fuzz_gen_CPPFLAGS = $(FUZZ_FEW)
t_fuzz_gen_LDADD = $(MIRRORD_LIBS)
t_fuzz_gen_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/actlog
t_fuzz_actlog_SOURCES = %D%/actlog.c %D%/blocks.h %D%/state.h $(FUZZ_MAIN)
t_fuzz_actlog_CPPFLAGS = $(FUZZ_FEW)
t_fuzz_actlog_LDADD = $(MIRRORD_LIBS)
t_fuzz_actlog_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/dirty
t_fuzz_dirty_SOURCES = %D%/dirty.c %D%/blocks.h %D%/state.h $(FUZZ_MAIN)
t_fuzz_dirty_CPPFLAGS = $(FUZZ_FEW)
t_fuzz_dirty_LDADD = $(MIRRORD_LIBS)
t_fuzz_dirty_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/hello
t_fuzz_hello_SOURCES = %D%/hello.c $(FUZZ_MAIN)
t_fuzz_hello_LDADD = $(MIRRORD_LIBS)
t_fuzz_hello_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/asidelist
t_fuzz_asidelist_SOURCES = %D%/asidelist.c %D%/state.h $(FUZZ_MAIN)
t_fuzz_asidelist_CPPFLAGS = $(FUZZ_FEW)
t_fuzz_asidelist_LDADD = $(COMMON_LIBS)
t_fuzz_asidelist_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/lease
t_fuzz_lease_SOURCES = %D%/lease.c %D%/state.h $(FUZZ_MAIN)
t_fuzz_lease_LDADD = $(COMMON_LIBS)
t_fuzz_lease_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

FUZZERS += t/fuzz/voter-store
t_fuzz_voter_store_SOURCES = %D%/voter-store.c %D%/state.h $(FUZZ_MAIN)
t_fuzz_voter_store_CPPFLAGS = $(FUZZ_FEW)
t_fuzz_voter_store_LDADD = bin/witnessd/libwitnessd.a $(COMMON_LIBS)
t_fuzz_voter_store_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)

check_PROGRAMS += $(FUZZERS)
EXTRA_DIST += t/fuzz/corpus
if FUZZ
FUZZ_MAIN =
else
FUZZ_MAIN = t/fuzz/standalone.c
endif

# Without libFuzzer it runs its corpus, as a test.
if FUZZ
noinst_PROGRAMS += t/fuzz/heartd
t_fuzz_heartd_CPPFLAGS = $(AM_CPPFLAGS) -DHF_LIBFUZZER
t_fuzz_heartd_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)
else
check_PROGRAMS += t/fuzz/heartd
t_fuzz_heartd_CPPFLAGS = $(AM_CPPFLAGS)
endif
t_fuzz_heartd_SOURCES = %D%/heartd.c t/unit/tap.h
t_fuzz_heartd_LDADD = bin/heartd/libheartd.a $(COMMON_LIBS)
EXTRA_DIST += %D%/heartd.corpus
