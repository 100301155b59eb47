# SPDX-License-Identifier: ISC

noinst_LIBRARIES += bin/moduled/libmoduled.a
bin_moduled_libmoduled_a_SOURCES = \
	%D%/decide-int.h \
	%D%/decide-move.c \
	%D%/decide-second.c \
	%D%/decide-serve.c \
	%D%/decide-wait.c \
	%D%/decide.c %D%/decide.h \
	%D%/facts.c %D%/facts.h \
	%D%/fsm.c %D%/fsm.h \
	%D%/machine.c \
	%D%/reason.c %D%/reason.h
