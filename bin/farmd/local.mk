# SPDX-License-Identifier: ISC

noinst_LIBRARIES += bin/farmd/libfarmd.a
bin_farmd_libfarmd_a_SOURCES = \
	%D%/accord-in.h \
	%D%/accord.h \
	%D%/farm-blob.c %D%/farm-blob.h \
	%D%/farm-conf.c %D%/farm-conf.h \
	%D%/farmd-conf.h \
	%D%/filter-input.c %D%/filter-input.h \
	%D%/filter.h \
	%D%/flows.c %D%/flows.h \
	%D%/hash.c %D%/hash.h \
	%D%/share-text.c \
	%D%/share.c %D%/share.h
FARMD_LIBS = bin/farmd/libfarmd.a $(COMMON_LIBS) $(MNL_LIBS)
