# SPDX-License-Identifier: ISC
# Each module we ship, as `holdfast module install' takes it.

modulesdir = $(pkgdatadir)/modules

ledgerdir = $(modulesdir)/ledger
ledgerconfdir = $(ledgerdir)/conf
ledgerbindir = $(ledgerdir)/bin
pkglibexec_PROGRAMS += \
	modules/ledger/ledgerd \
	modules/ledger/ledger-client
modules_ledger_ledgerd_SOURCES = %D%/ledger/ledgerd.c
# An application of its own: none of our libraries.
modules_ledger_ledgerd_CFLAGS = $(HF_CFLAGS) $(SQLITE_CFLAGS)
modules_ledger_ledgerd_LDADD = $(SQLITE_LIBS)
modules_ledger_ledger_client_SOURCES = %D%/ledger/ledger-client.c
modules_ledger_ledger_client_CFLAGS = $(HF_CFLAGS)
dist_ledger_DATA = %D%/ledger/README
dist_ledgerconf_DATA = %D%/ledger/conf/userconfig.xml
dist_ledgerbin_SCRIPTS = \
	%D%/ledger/bin/ledger_functions \
	%D%/ledger/bin/prestart \
	%D%/ledger/bin/start_prim \
	%D%/ledger/bin/stop_prim

mirrordir = $(modulesdir)/mirror
mirrorconfdir = $(mirrordir)/conf
mirrorbindir = $(mirrordir)/bin
dist_mirror_DATA = %D%/mirror/README
dist_mirrorconf_DATA = %D%/mirror/conf/userconfig.xml
dist_mirrorbin_SCRIPTS = \
	%D%/mirror/bin/prestart \
	%D%/mirror/bin/service_functions \
	%D%/mirror/bin/start_prim \
	%D%/mirror/bin/stop_prim
