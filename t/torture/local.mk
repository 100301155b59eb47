# SPDX-License-Identifier: ISC
# Random faults from a seed; t/torture/run brings up a lab of its own.

noinst_PROGRAMS += t/torture/dirops
t_torture_dirops_SOURCES = \
	%D%/dirops.c \
	%D%/dirops.h \
	%D%/dirops-act.c \
	%D%/dirops-model.c
EXTRA_DIST += \
	%D%/audit.bash \
	%D%/check.awk \
	%D%/course.bash \
	%D%/faults.bash \
	%D%/fence.bash \
	%D%/faults-operator.bash \
	%D%/lab.bash \
	%D%/postgresql.sh \
	%D%/rows.bash \
	%D%/run \
	%D%/script.sh \
	%D%/soak \
	%D%/tally.bash
