# SPDX-License-Identifier: ISC

if FUZZ
noinst_PROGRAMS += t/fuzz/frame-op
t_fuzz_frame_op_SOURCES = %D%/frame-op.c
t_fuzz_frame_op_LDFLAGS = $(AM_LDFLAGS) $(HF_FUZZ_FLAGS)
t_fuzz_frame_op_LDADD = bin/mirrord/libmirrord.a $(COMMON_LIBS)
endif
