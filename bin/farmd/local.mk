# SPDX-License-Identifier: ISC

noinst_LIBRARIES += bin/farmd/libfarmd.a
bin_farmd_libfarmd_a_SOURCES = \
	%D%/accord-in.h \
	%D%/accord.h \
	%D%/delivery.c %D%/delivery.h \
	%D%/farm-blob.c %D%/farm-blob.h \
	%D%/farm-conf.c %D%/farm-conf.h \
	%D%/farmd-conf.h \
	%D%/filter-arp.c \
	%D%/filter-input.c %D%/filter-input.h \
	%D%/filter-nft-int.h \
	%D%/filter-nft-route.c \
	%D%/filter-nft-rules.c \
	%D%/filter-nft-text.c %D%/filter-nft-text.h \
	%D%/filter-nft.c \
	%D%/filter.h \
	%D%/filters.c %D%/filters.h \
	%D%/flood.c %D%/flood.h \
	%D%/flows.c %D%/flows.h \
	%D%/hash.c %D%/hash.h \
	%D%/places.c %D%/places.h \
	%D%/nft-flows.c %D%/nft-flows.h \
	%D%/nft-plan.c %D%/nft-plan.h \
	%D%/share-text.c \
	%D%/share.c %D%/share.h \
	%D%/wish.c %D%/wish.h
# Who takes which bucket, and how that is agreed.
bin_farmd_libfarmd_a_SOURCES += \
	%D%/accord-int.h \
	%D%/accord-step.c \
	%D%/accord-text.c \
	%D%/accord-view.c \
	%D%/accord.c
FARMD_LIBS = bin/farmd/libfarmd.a $(COMMON_LIBS) $(MNL_LIBS)

# The second packet filter; without libbpf or clang one that says so.
if BPF
bin_farmd_libfarmd_a_SOURCES += \
	%D%/bpfengine.c %D%/bpfengine.h \
	%D%/bpfobj.c %D%/bpfobj.h \
	%D%/bpfpage.c %D%/bpfpage.h \
	%D%/bpftrial.c %D%/bpftrial.h \
	%D%/farm-bpf.h \
	%D%/filter-bpf.c \
	%D%/refusal.c %D%/refusal.h \
	%D%/tcprog.c %D%/tcprog.h \
	%D%/tickle.c %D%/tickle.h \
	%D%/xdpprog.c %D%/xdpprog.h
# Beside the daemon, which loads it into the kernel.
bpfdir = $(pkglibexecdir)
bpf_DATA = bin/farmd/farm-bpf.o
CLEANFILES += bin/farmd/farm-bpf.o
bin/farmd/farm-bpf.o: %D%/farm-bpf.c %D%/farm-bpf.h
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(CLANG) $(BPF_CPPFLAGS) -O2 -g -Wall \
	    -target bpf -ffile-prefix-map=$(abs_srcdir)=. \
	    -c $(srcdir)/bin/farmd/farm-bpf.c -o $@
else
bin_farmd_libfarmd_a_SOURCES += %D%/filter-bpf-none.c
endif
EXTRA_DIST += %D%/farm-bpf.c
FARMD_LIBS += $(NFTABLES_LIBS) $(LIBBPF_LIBS)

pkglibexec_PROGRAMS += bin/farmd/farmd
bin_farmd_farmd_SOURCES = \
	%D%/bereft.c %D%/bereft.h \
	%D%/drain.c \
	%D%/facts.c \
	%D%/farm.c %D%/farm.h \
	%D%/heart.c \
	%D%/main.c \
	%D%/memory.c \
	%D%/vip.c
bin_farmd_farmd_LDADD = $(FARMD_LIBS)
