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

# Services of the system: what the scripts of the modules below share.
pkglibexec_SCRIPTS += %D%/service_functions %D%/farm_functions
EXTRA_DIST += %D%/service_functions %D%/farm_functions

mirrordir = $(modulesdir)/mirror
mirrorconfdir = $(mirrordir)/conf
mirrorbindir = $(mirrordir)/bin
dist_mirror_DATA = %D%/mirror/README
dist_mirrorconf_DATA = %D%/mirror/conf/userconfig.xml
dist_mirrorbin_SCRIPTS = \
	%D%/mirror/bin/check_services \
	%D%/mirror/bin/prestart \
	%D%/mirror/bin/start_prim \
	%D%/mirror/bin/stop_prim

postgresqldir = $(modulesdir)/postgresql
postgresqlconfdir = $(postgresqldir)/conf
postgresqlbindir = $(postgresqldir)/bin
dist_postgresql_DATA = %D%/postgresql/README
dist_postgresql_SCRIPTS = %D%/postgresql/lab-prepare
dist_postgresqlconf_DATA = %D%/postgresql/conf/userconfig.xml
dist_postgresqlbin_SCRIPTS = \
	%D%/postgresql/bin/check_owner \
	%D%/postgresql/bin/check_query \
	%D%/postgresql/bin/postgresql_functions \
	%D%/postgresql/bin/prestart \
	%D%/postgresql/bin/start_prim \
	%D%/postgresql/bin/stop_prim

mariadbdir = $(modulesdir)/mariadb
mariadbconfdir = $(mariadbdir)/conf
mariadbbindir = $(mariadbdir)/bin
dist_mariadb_DATA = %D%/mariadb/README
dist_mariadb_SCRIPTS = %D%/mariadb/lab-prepare
dist_mariadbconf_DATA = %D%/mariadb/conf/userconfig.xml
dist_mariadbbin_SCRIPTS = \
	%D%/mariadb/bin/check_owner \
	%D%/mariadb/bin/check_query \
	%D%/mariadb/bin/mariadb_functions \
	%D%/mariadb/bin/prestart \
	%D%/mariadb/bin/start_prim \
	%D%/mariadb/bin/stop_prim

systemdmoduledir = $(modulesdir)/systemd
systemdmoduleconfdir = $(systemdmoduledir)/conf
systemdmodulebindir = $(systemdmoduledir)/bin
dist_systemdmodule_DATA = %D%/systemd/README
dist_systemdmoduleconf_DATA = %D%/systemd/conf/userconfig.xml
dist_systemdmodulebin_SCRIPTS = \
	%D%/systemd/bin/check_services \
	%D%/systemd/bin/prestart \
	%D%/systemd/bin/start_prim \
	%D%/systemd/bin/stop_prim

farmmoduledir = $(modulesdir)/farm
farmmoduleconfdir = $(farmmoduledir)/conf
farmmodulebindir = $(farmmoduledir)/bin
dist_farmmodule_DATA = %D%/farm/README
dist_farmmoduleconf_DATA = %D%/farm/conf/userconfig.xml
dist_farmmodulebin_SCRIPTS = \
	%D%/farm/bin/check_service \
	%D%/farm/bin/prestart \
	%D%/farm/bin/start_both \
	%D%/farm/bin/stop_both

nginxfarmdir = $(modulesdir)/nginx_farm
nginxfarmconfdir = $(nginxfarmdir)/conf
nginxfarmbindir = $(nginxfarmdir)/bin
dist_nginxfarm_DATA = %D%/nginx_farm/README
dist_nginxfarm_SCRIPTS = %D%/nginx_farm/lab-prepare
dist_nginxfarmconf_DATA = %D%/nginx_farm/conf/userconfig.xml
dist_nginxfarmbin_SCRIPTS = \
	%D%/nginx_farm/bin/check_http \
	%D%/nginx_farm/bin/nginx_functions \
	%D%/nginx_farm/bin/prestart \
	%D%/nginx_farm/bin/start_both \
	%D%/nginx_farm/bin/stop_both

apachefarmdir = $(modulesdir)/apache_farm
apachefarmconfdir = $(apachefarmdir)/conf
apachefarmbindir = $(apachefarmdir)/bin
dist_apachefarm_DATA = %D%/apache_farm/README
dist_apachefarm_SCRIPTS = %D%/apache_farm/lab-prepare
dist_apachefarmconf_DATA = %D%/apache_farm/conf/userconfig.xml
dist_apachefarmbin_SCRIPTS = \
	%D%/apache_farm/bin/apache_functions \
	%D%/apache_farm/bin/check_http \
	%D%/apache_farm/bin/prestart \
	%D%/apache_farm/bin/start_both \
	%D%/apache_farm/bin/stop_both

dnsfarmdir = $(modulesdir)/dns_farm
dnsfarmconfdir = $(dnsfarmdir)/conf
dnsfarmbindir = $(dnsfarmdir)/bin
dist_dnsfarm_DATA = %D%/dns_farm/README
dist_dnsfarm_SCRIPTS = %D%/dns_farm/lab-prepare
dist_dnsfarmconf_DATA = %D%/dns_farm/conf/userconfig.xml
dist_dnsfarmbin_SCRIPTS = \
	%D%/dns_farm/bin/check_dns \
	%D%/dns_farm/bin/dns_functions \
	%D%/dns_farm/bin/prestart \
	%D%/dns_farm/bin/start_both \
	%D%/dns_farm/bin/stop_both
