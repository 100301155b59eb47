#!/bin/sh
# SPDX-License-Identifier: ISC
#
# postgresql make | start | stop [force]: a server beside the ledger, in its
# directory DATA, at the address VIP, as start_prim and stop_prim of the module
# call it.  Kept up (keep): one that could not write is started again, as
# systemd would.

data=${DATA:?}/rows
flag=/run/torture.rows
log=/run/torture.rows.log
for bin in /usr/lib/postgresql/*/bin; do :; done

as_postgres()
{
	setpriv --reuid=postgres --regid=postgres --init-groups "$@"
}

ends()
{
	left=$1
	while pgrep -x postgres >/dev/null; do
		[ $((left -= 1)) -gt 0 ] || return
		sleep 0.1
	done
}

make()
{
	install -d -o postgres -g postgres -m 700 "$data"
	as_postgres "$bin/initdb" -N -k -A trust --locale=C --wal-segsize=1 \
	    -D "$data" >>$log 2>&1 || return
	cat >>"$data/postgresql.conf" <<-END
		listen_addresses = '$VIP'
		unix_socket_directories = ''
		shared_buffers = 16MB
		max_connections = 20
		min_wal_size = 2MB
		max_wal_size = 16MB
		autovacuum = off
		max_logical_replication_workers = 0
		dynamic_shared_memory_type = mmap
	END
	echo "host all all samenet trust" >>"$data/pg_hba.conf"
	sync
}

case $1 in
make)
	make ;;
start)
	[ -e "$data/PG_VERSION" ] || exit 0
	# The number is of another node's process, or of one before a power cut.
	pgrep -x postgres >/dev/null || rm -f "$data/postmaster.pid"
	: >$flag
	setsid "$0" keep >>$log 2>&1 </dev/null & ;;
keep)
	while [ -e $flag ]; do
		as_postgres "$bin/postgres" -D "$data" && break
		sleep 0.5
	done ;;
stop)
	rm -f $flag
	if [ "${2-}" != force ]; then
		pkill -INT -o -x postgres
		ends 15 && exit
	fi
	pkill -KILL -x postgres
	ends 50 ;;
esac
