#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# A farm in front of a mirror on the same two nodes: the plug of the node that
# is the primary of one and has half of the other.
# shellcheck disable=SC2016 # lines for wait_until and for the hosts

load lib
MODULE=postgresql

setup_file()
{
	lab_setup_file 2 --module "$TOP/modules/postgresql" \
	    --module "$TOP/modules/nginx_farm"
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] || return 0
	on n1 sh -ec 'echo "host all all 10.88.1.0/24 scram-sha-256" \
	    >>/etc/postgresql/15/main/pg_hba.conf
	    pg_ctlcluster 15 main reload
	    runuser -u postgres -- psql -q' <<-'END'
	CREATE ROLE me LOGIN PASSWORD 'me';
	END
}

setup()
{
	lab_setup
}

teardown()
{
	lab_teardown
}

teardown_file()
{
	lab_teardown_file
}

sql()
{
	on c1 psql -wXAtqc "$1" "host=$VIP user=me password=me
	    dbname=postgres connect_timeout=2"
}

pages()
{
	on c1 sh -c 'for i in $(seq 40); do curl -s -m 5 \
	    --interface "10.99.1.$i" http://10.88.1.101/ || echo failed
	done' | sort -u | paste -sd' '
}

@test "plug pulled: the farm goes on, the database is taken over" {
	local begun

	wait_until 20 'pair_is_level n1 n2'
	wait_until 20 '[ "$(pages)" = "n1 n2" ]'
	[ "$(sql 'SELECT 1')" = 1 ]
	begun=$(now_ms)
	"$LAB" power off n1
	wait_until 20 '[ "$(pages)" = n2 ]'
	echo "# pages of n2 alone after $(($(now_ms) - begun)) ms" >&3
	wait_until 30 '[ "$(sql "SELECT 1")" = 1 ]'
	echo "# the database after $(($(now_ms) - begun)) ms" >&3
	wait_state 20 n2 ALONE
	"$LAB" power on n1
	wait_until 60 'pair_is_level n2 n1'
	wait_until 30 '[ "$(pages)" = "n1 n2" ]'
}
