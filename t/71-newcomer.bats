#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# README typed as it stands: PostgreSQL on two servers, a witness for them, and
# what to do when.
# HOLDFAST_LONG: on hosts with Debian's base alone, where the packages are
# installed, ours among them; else their files are there already and `apt
# install' is left out.
# shellcheck disable=SC2016 # lines for wait_until and for the hosts

load lib
MODULE=postgresql

setup_file()
{
	if [ -n "${HOLDFAST_LONG-}" ]; then
		lab_can_run || return 0
		packages_make
		lab_setup_file 2 --bare --witness
		for n in n1 n2 w1; do
			host_strip $n
		done
		return
	fi
	lab_setup_file 2 --init systemd --witness
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] || return 0
	for n in n1 n2; do
		on $n /usr/share/holdfast/modules/postgresql/lab-prepare
	done
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

SERVERS="postgresql postgresql-15 postgresql-common postgresql-client-15
    postgresql-client-common"

# Our package, and those of the server as this machine has them: no network
# is asked.
packages_make()
{
	local package

	mkdir "$BATS_FILE_TMPDIR/repo"
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
	    flock "$top_builddir/config.status" make -s -C "$top_builddir" \
	    deb "DEB_DEST=$BATS_FILE_TMPDIR/repo" \
	    >"$BATS_FILE_TMPDIR/deb" 2>&1 || {
		tail -n 20 "$BATS_FILE_TMPDIR/deb" >&2
		return 1
	}
	cd "$BATS_FILE_TMPDIR/repo"
	rm -f ./*dbgsym*
	for package in $SERVERS; do
		dpkg-repack "$package" >>"$BATS_FILE_TMPDIR/deb" 2>&1
	done
	apt-ftparchive packages . >Packages
}

# Debian's base: no server, no policy of a container, packages at hand.
host_strip()
{
	tar -C "$BATS_FILE_TMPDIR/repo" -c . | on "$1" sh -ec '
	    mkdir /var/tmp/repo
	    tar -C /var/tmp/repo -x
	    rm -rf /usr/sbin/policy-rc.d /etc/postgresql /etc/apt/sources.list*
	    echo "deb [trusted=yes] file:/var/tmp/repo ./" >/etc/apt/sources.list
	    dpkg --purge --force-depends postgresql-contrib '"$(xargs \
	    <<<"$SERVERS")"' >/dev/null 2>&1
	    rm -rf /var/lib/postgresql
	    apt-get -qq update
	    ! command -v holdfast; ! command -v pg_lsclusters'
}

# types NODE TITLE WORD: line by line, where the package is; output is that
# of the last one.
types()
{
	local line node=$1 here='cd /var/tmp/repo 2>/dev/null;'

	shift
	readme_block "$@" >"$BATS_TEST_TMPDIR/lines"
	[ -s "$BATS_TEST_TMPDIR/lines" ]
	while read -r line; do
		case $line in
		apt\ install*)
			[ -n "${HOLDFAST_LONG-}" ] || continue
			# Its question is answered.
			line="echo y | DEBIAN_FRONTEND=noninteractive $line" ;;
		apt\ upgrade*)	continue ;;	# and the reboot
		esac
		echo "$node# $line"
		echo "$line" >>"$BATS_FILE_TMPDIR/typed"
		output=$(on "$node" sh -c "$here $line" </dev/null)
		echo "$output"
	done <"$BATS_TEST_TMPDIR/lines"
}

PG="PostgreSQL on two servers"
WHEN="What to do when"
THIRD="A third machine that votes"

sql()
{
	on "$(primary)" runuser -u postgres -- psql -wXAtqc "$1"
}

@test "README: PostgreSQL on two servers, as printed" {
	local begun lines

	begun=$(now_ms)
	: >"$BATS_FILE_TMPDIR/typed"
	types n1 "$PG" "apt install"
	types n2 "$PG" "apt install"
	types n1 "$PG" "cluster init"
	tail -n 1 <<<"$output" >"$BATS_FILE_TMPDIR/token"
	types n2 "$PG" "cluster join"
	types n1 "$PG" "module push"
	pair_is_level n1 n2
	lines=$(wc -l <"$BATS_FILE_TMPDIR/typed")
	echo "# $lines commands, $((($(now_ms) - begun) / 1000)) s" >&3
	[ "$lines" -le 15 ]
	types n1 "$PG" "pg_hba.conf"
	on n1 runuser -u postgres -- psql -qc "CREATE ROLE me LOGIN
	    PASSWORD 'me'"
	wait_until 5 '[ "$(on c1 psql -wXAtqc "SELECT 1" "host=$VIP user=me
	    password=me dbname=postgres")" = 1 ]'
	sql 'CREATE TABLE kept AS SELECT 1 AS n'
}

@test "README: a third machine that votes, while they run" {
	local line

	types n1 "$THIRD" "witness add"
	# The line of the README has dots where this one has a key.
	line=$(grep -o "printf .*" <<<"$output")
	readme_block "$THIRD" "witnessd -a" >"$BATS_TEST_TMPDIR/lines"
	[ "$(sed "s/'holdfast-key [^']*' '[^']*'/'holdfast-key ...' '...'/" \
	    <<<"$line")" = "$(tail -n 1 "$BATS_TEST_TMPDIR/lines")" ]
	[ -z "${HOLDFAST_LONG-}" ] || on w1 sh -c 'cd /var/tmp/repo
	    echo y | DEBIAN_FRONTEND=noninteractive '"$(head -n 1 \
	    "$BATS_TEST_TMPDIR/lines")"
	on w1 sh -c "$line"
	wait_until 20 'on n1 holdfast cluster witness list'
	types n1 "$THIRD" "witness list"
	[ "$(grep -c 'answers in' <<<"$output")" -eq 3 ]
	wait_until 30 'pair_is_level n1 n2 && not on n1 sh -c "holdfast status |
	    grep -q warning:"'
	[ "$(sql 'SELECT n FROM kept')" = 1 ]
}

@test "README: swap, and patch day" {
	types n1 "$WHEN" "holdfast swap"
	wait_until 30 'pair_is_level n2 n1'
	on n1 holdfast wait --timeout 30 postgresql Ready
	for n in n1 n2; do
		readme_block "$WHEN" "node standby" | grep -q '^apt upgrade && reboot$'
		on $n holdfast node standby
		wait_state 30 "$(other $n)" ALONE
		"$LAB" power reboot $n
		[ "$(state $n)" = "STOP NotReady" ]
		on $n holdfast node active
		wait_until 60 "pair_is_level $(other $n) $n"
	done
	[ "$(sql 'SELECT n FROM kept')" = 1 ]
}

@test "README: another address for the clients" {
	types n1 "$WHEN" "--set VIP="
	wait_until 60 'pair_is_level n1 n2 || pair_is_level n2 n1'
	on "$(primary)" ip -o addr | grep -q 10.88.1.102/
	[ "$(sql 'SELECT n FROM kept')" = 1 ]
}

@test "README: a backup, and back to it" {
	local with without

	without=$(primary)
	with=$(other "$without")
	types "$with" "$WHEN" "holdfast freeze"
	sql 'DROP TABLE kept'
	types "$with" "$WHEN" "rm -rf"
	types "$without" "$WHEN" "second postgresql"
	wait_until 60 "pair_is_level $with $without"
	[ "$(sql 'SELECT n FROM kept')" = 1 ]
	on "$with" holdfast swap postgresql --timeout 60
	wait_until 30 "pair_is_level $without $with"
	[ "$(sql 'SELECT n FROM kept')" = 1 ]
}

@test "README: a dead node is replaced by a new machine" {
	local image

	[ -n "${HOLDFAST_LONG-}" ] || skip "HOLDFAST_LONG is not set"
	pair_restore
	"$LAB" power off n2
	wait_state 30 n1 ALONE
	# A new machine: an empty disk.
	image=/var/tmp/holdfast-lab-$HOLDFAST_LAB/n2.img
	[ -s "$image" ]
	mkfs.ext4 -q -F -m 0 -i 4096 "$image"
	"$LAB" power on n2
	if [ -n "${HOLDFAST_LONG-}" ]; then
		host_strip n2
	else
		on n2 /usr/share/holdfast/modules/postgresql/lab-prepare
	fi
	types n1 "$WHEN" "--replace n2"
	tail -n 1 <<<"$output" >"$BATS_FILE_TMPDIR/token"
	types n2 "$WHEN" "cluster join --name"
	types n1 "$WHEN" "module push postgresql -H n2"
	wait_until 60 'pair_is_level n1 n2'
	[ "$(sql 'SELECT n FROM kept')" = 1 ]
}
