# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2016,SC2034 # variables of run and course;
# lines for wait_until and for the hosts
#
# With --postgresql: a server beside the ledger, and two clients of pgbench,
# each of whose transactions is a row.  Each one they were told of is there.

ROWS="host=$VIP user=postgres dbname=postgres connect_timeout=2
    tcp_user_timeout=3000 keepalives_idle=1 keepalives_interval=1
    keepalives_count=2"

rows_module()
{
	local script

	cp "$here/postgresql.sh" "$1/bin/rows"
	for script in start_prim stop_prim; do
		mv "$1/bin/true_$script" "$1/bin/ledger_$script"
		# The ledger says whether the module has started.
		printf '#!/bin/sh\ndir=${SAFEUSERBIN:-${0%%/*}}\n%s\n%s\n' \
		    '"$dir/rows" '${script%_prim}' "$@"' \
		    'exec "$dir/ledger_'$script'" "$@"' \
		    >"$1/bin/true_$script"
		chmod 755 "$1/bin/true_$script"
	done
}

# rows_query SQL: by the virtual address, from c1.
rows_query()
{
	on c1 timeout 10 psql -wXAtq -v ON_ERROR_STOP=1 -F ' ' -c "$1" "$ROWS"
}

rows_up()
{
	local script="/etc/holdfast/modules/$MODULE/bin/rows"

	on "$(primary)" env DATA=/srv/ledger VIP="$VIP" sh -c \
	    "$script make && $script start"
	wait_until 30 'rows_query "SELECT 1" >/dev/null 2>&1'
	rows_query 'CREATE TABLE told (run int, client int, n int,
	    PRIMARY KEY (run, client, n))'
	rows_query CHECKPOINT
}

# rows_start SEED: runs are numbered from SEED * 1000.
rows_start()
{
	on c1 sh -c 'rm -rf /srv/rows && mkdir /srv/rows &&
	    cat >/srv/rows/sql' <<-'END'
	\set n :n + 1
	INSERT INTO told VALUES (:run, :client_id, :n);
	END
	on c1 bash -c 'cd /srv/rows
	for ((run = $1 * 1000; ; run++)); do
		until [ -e stop ] || timeout 0.3 pg_isready -q -h "$2"; do
			sleep 0.05
		done
		[ ! -e stop ] || exit
		pgbench -n -l --log-prefix=told.$run -c 2 -T 600 -f sql \
		    -D run=$run -D n=0 "$3" >>out 2>&1 &
		echo $! >pid
		wait
	done >/dev/null 2>&1 </dev/null 3>&- &' bash "$1" "$VIP" "$ROWS"
}

rows_go_on()
{
	wait_until 15 'rows_query "INSERT INTO told VALUES (0, 0, 0)
	    ON CONFLICT DO NOTHING" >/dev/null 2>&1'
}

# The end of its time ends it in order, with all that it has to log.
rows_stop()
{
	on c1 bash -c 'cd /srv/rows; touch stop; kill -ALRM "$(cat pid)"' \
	    2>/dev/null || :
	wait_until 10 '! on c1 pgrep -x pgbench >/dev/null' 2>/dev/null ||
	    course_bad "stuck: pgbench does not end"
}

# A row more for each client that was cut off before it heard.
audit_rows()
{
	local missing

	on c1 sh -c 'cd /srv/rows && for f in told.*; do [ ! -e "$f" ] ||
	    awk '\''{ split(FILENAME, part, ".")
	    print part[2], $1, $2 }'\'' "$f"; done' | sort >"$dir/told"
	rows_query "SELECT run, client, n FROM told WHERE run / 1000 = $1" |
	    sort >"$dir/rows" || course_bad "stuck: no answer of PostgreSQL"
	missing=$(comm -23 "$dir/told" "$dir/rows" | wc -l)
	[ "$missing" -eq 0 ] || course_bad "rows: $missing of $(wc -l \
	    <"$dir/told") are missing: $(comm -23 "$dir/told" "$dir/rows" |
	    head -n 3 | tr '\n' ';')"
	rows_tally="rows=$(wc -l <"$dir/told")"
}

# rows_signal SIGNAL: the server of the primary, which has work of its own to
# do at rest.
rows_signal()
{
	on "$(primary)" pkill "-$1" -x postgres || :
}
