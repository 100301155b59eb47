# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154,SC2016,SC2034 # variables of run and of
# course; lines for wait_until and for the hosts
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
	told_start $(($1 * 1000)) 2 "$VIP" "$ROWS"
}

rows_go_on()
{
	wait_until 15 'rows_query "INSERT INTO told VALUES (0, 0, 0)
	    ON CONFLICT DO NOTHING" >/dev/null 2>&1'
}

rows_stop()
{
	told_stop 2>/dev/null || course_bad "stuck: pgbench does not end"
}

# A row more for each client that was cut off before it heard.
audit_rows()
{
	local missing

	told | sort >"$dir/told"
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
