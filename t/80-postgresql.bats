#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The module postgresql with Debian's server under systemd: what pgbench was
# told of is there after the primary lost its power, and what is wrong with a
# node is said when the module starts.  HOLDFAST_LONG: ten seeds.
# shellcheck disable=SC2016 # lines for wait_until and for the hosts

load lib
load told
MODULE=postgresql

# T 2 s, G 200 ms; a client that finds the server again.
T_3G=2600
SLACK=1500
CLUSTER=postgresql@15-main
CONF=/etc/postgresql/15/main

setup_file()
{
	lab_setup_file 2 --init systemd --module "$TOP/modules/postgresql"
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] || return 0
	let_in_clients
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

# As the module's README says, and a database to work in.
let_in_clients()
{
	on n1 sh -ec 'echo "host all all 10.88.1.0/24 scram-sha-256" \
	    >>'$CONF'/pg_hba.conf
	    pg_ctlcluster 15 main reload
	    runuser -u postgres -- psql -q' <<-'END'
	CREATE ROLE bench LOGIN PASSWORD 'bench';
	CREATE DATABASE bench OWNER bench;
	END
	wait_until 5 '[ "$(query "SELECT 1")" = 1 ]'
	query 'CREATE TABLE told (run int, client int, n int,
	    PRIMARY KEY (run, client, n))'
}

# The server may be gone without a word: ask after 1 s.
CONNECT="host=$VIP user=bench dbname=bench password=bench
    connect_timeout=2 keepalives_idle=1 keepalives_interval=1
    keepalives_count=2"

# query SQL: by the virtual address, from c1.
query()
{
	on c1 psql -wXAtq -v ON_ERROR_STOP=1 -F ' ' -c "$1" "$CONNECT"
}

# Four clients; when they lose the server, they find it again.
bench_start()
{
	query 'TRUNCATE told'
	told_start 1 4 "$VIP" "$CONNECT"
	wait_until 10 'has_rows "true"'
}

# has_rows CONDITION: more than ten.
has_rows()
{
	[ "$(query "SELECT count(*) FROM told WHERE $1" || echo 0)" -gt 10 ]
}

# The longest time in ms in which pgbench was told of nothing.
bench_gap()
{
	on c1 sh -c 'cd /srv/told && cat told.*' |
	    awk '{ printf "%d\n", $5 * 1000 + $6 / 1000 }' | sort -n |
	    awk 'NR > 1 && $1 - last > gap { gap = $1 - last } { last = $1 }
	    END { print gap + 0 }'
}

# Every one of them is a row; a row more for each client that was cut off
# before it heard.
all_are_there()
{
	local dir=$BATS_TEST_TMPDIR missing more runs

	told | sort >"$dir/told"
	query 'SELECT run, client, n FROM told' | sort >"$dir/rows"
	missing=$(comm -23 "$dir/told" "$dir/rows" | wc -l)
	more=$(comm -13 "$dir/told" "$dir/rows" | wc -l)
	runs=$(cut -d' ' -f1 "$dir/told" | uniq | sort -u | wc -l)
	count="$(wc -l <"$dir/told") told, $missing missing, $more in doubt"
	[ "$(wc -l <"$dir/told")" -gt 10 ]
	[ "$missing" -eq 0 ] || {
		comm -23 "$dir/told" "$dir/rows" | head >&2
		return 1
	}
	[ "$more" -le $((4 * runs)) ]
}

@test "the address answers, from the primary only" {
	pair_is_level n1 n2
	[ "$(query 'SELECT 1')" = 1 ]
	on n2 sh -c '! pgrep -x postgres'
	[ "$(on n1 cat $CONF/start.conf | grep -v '^#' | xargs)" = manual ]
	run on n2 systemctl is-enabled $CLUSTER
	[ "$status" -ne 0 ]
}

@test "swap under load: what was told of is there, and on the other node" {
	local start

	bench_start
	start=$(now_ms)
	on n1 holdfast swap postgresql --timeout 60
	wait_until 30 'pair_is_level n2 n1'
	wait_until 15 'has_rows "run > 1"'
	told_stop
	all_are_there
	echo "# swap: gap $(bench_gap) ms; $count" >&3
	on n1 sh -c '! pgrep -x postgres'
	pair_restore
	all_are_there
}

# pg_ctlcluster still looks on when the server answers and all is ended again.
@test "stopped and started while the unit is still activating" {
	local i

	for i in $(seq 1 "$([ -n "${HOLDFAST_LONG-}" ] && echo 5 ||
	    echo 1)"); do
		on n1 sh -ec 'holdfast -H "*" stop postgresql --timeout 60
		    holdfast -H "*" start postgresql --timeout 60
		    holdfast -H "*" wait --timeout 60 postgresql Ready'
		[ "$(query 'SELECT 1')" = 1 ]
	done
	pair_restore
}

# takeover SEED
takeover()
{
	local prim second gap bound run

	RANDOM=$1
	prim=$(primary)
	second=$(other "$prim")
	bench_start
	# The moment is what the seed is for.
	sleep "$((RANDOM % 2)).$((100 + RANDOM % 900))"
	run=$(query 'SELECT max(run) FROM told')
	"$LAB" power off "$prim"
	wait_state 30 "$second" ALONE
	wait_until 15 "has_rows 'run > $run'"
	bound=$((T_3G + $(script_ms "$second") + SLACK))
	"$LAB" power on "$prim"
	wait_until 60 "pair_is_level $second $prim"
	told_stop
	all_are_there
	gap=$(bench_gap)
	echo "# seed $1: $prim off, gap $gap ms of $bound ms; $count" >&3
	[ "$gap" -le "$bound" ]
}

@test "power off of the primary under pgbench loses no transaction" {
	local seed

	pair_restore
	for seed in $(seq 1 "$([ -n "${HOLDFAST_LONG-}" ] && echo 10 ||
	    echo 1)"); do
		takeover "$seed"
	done
	# What came back has them too.
	on "$(primary)" holdfast swap postgresql --timeout 60
	wait_until 30 '[ "$(query "SELECT 1")" = 1 ]'
	all_are_there
}

# As pair_restore, also when a test left a module stopped.
restore()
{
	local node

	for node in n1 n2; do
		on $node holdfast start postgresql --no-wait || :
	done
	pair_restore
}

# told_down RESOURCE SINCE: the log line of its fall, since the time in ms.
told_down()
{
	on n1 grep -ah "Resource $1 set to down" /var/log/holdfast/postgresql.log |
	    tail -n 1 | awk -v since="$2" '{ "date +%s%3N -d " $1 | getline t
	    if (t >= since) print t - since }'
}

# fault RESOURCE COMMAND: what it takes to notice it, and to serve again.
fault()
{
	local begun run

	bench_start
	run=$(query 'SELECT max(run) FROM told')
	begun=$(now_ms)
	on n1 sh -c "$2"
	wait_until 40 "[ -n \"\$(told_down $1 $begun)\" ]"
	wait_until 60 "has_rows 'run > $run'"
	told_stop
	all_are_there
	wait_until 30 'pair_is_level n1 n2'
	echo "# $1: noticed after $(told_down "$1" "$begun") ms," \
	    "gap $(bench_gap) ms; $count" >&3
}

@test "the server is killed, and hangs: restarted in place, nothing lost" {
	restore
	fault proc.postgres 'kill -KILL "$(head -n 1 \
	    /var/lib/postgresql/15/main/postmaster.pid)"'
	[ -n "${HOLDFAST_LONG-}" ] || return 0
	fault custom.query 'pkill -STOP -x postgres'
}

# --- a table, when HOLDFAST_LONG is set: what was done to the primary, after
# how long it was noticed, and served again

USERCONFIG=/etc/holdfast/modules/postgresql/conf/userconfig.xml

# userconfig SED-ARGUMENT...: in force on both nodes, at once.
userconfig()
{
	local node

	for node in n1 n2; do
		on $node sed -i "$@" $USERCONFIG
		on $node holdfast config postgresql
	done
}

# noticed PATTERN SINCE: in ms, by the first event since then that is it.
noticed()
{
	on n1 grep -a -- "$1" /var/log/holdfast/postgresql.events |
	    tail -n 20 | awk -v since="$2" '{ sub("T", " ", $1)
	    "date +%s%3N -d \"" $1 "\"" | getline t
	    if (t >= since) { print t - since; exit } }'
}

# When pgbench was told of something again after its longest wait: ms since
# the epoch.
bench_again()
{
	on c1 sh -c 'cd /srv/told && cat told.*' |
	    awk '{ printf "%d\n", $5 * 1000 + $6 / 1000 }' | sort -n |
	    awk 'NR > 1 && $1 - last > gap { gap = $1 - last; again = $1 }
	    { last = $1 } END { print again + 0 }'
}

# trouble WHAT EVENT WHY SERVES COMMAND: the command for n1 prints when it
# did it; the event is how n1 notices, WHY what it tells afterwards, SERVES
# the node that has to serve then.
trouble()
{
	local begun run

	bench_start
	run=$(query 'SELECT max(run) FROM told')
	begun=$(on n1 sh -c "$5")
	wait_until 60 "[ -n \"\$(noticed '$2' $begun)\" ]"
	wait_until 60 "has_rows 'run > $run'"
	told_stop
	wait_until 60 "pair_is_level $4 $(other "$4")"
	all_are_there
	on n1 holdfast why postgresql >"$BATS_TEST_TMPDIR/why"
	printf '# %s: noticed after %s ms, served again after %s ms' \
	    "$1" "$(noticed "$2" "$begun")" $(($(bench_again) - begun)) >&3
	echo " on $4, gap $(bench_gap) ms; $count" >&3
	grep -q -- "$3" "$BATS_TEST_TMPDIR/why"
}

long_only()
{
	[ -n "${HOLDFAST_LONG-}" ] || skip "long runs only"
	restore
	userconfig -e 's/<service mode/<service maxloop="1000" mode/' \
	    -e 's/<user>/<user nicestoptimeout="8s">/'
}

shipped_again()
{
	userconfig -e 's/ maxloop="1000"//' -e 's/ nicestoptimeout="8s"//'
}

# Lines for n1: the start script, caught at once or when its server is there.
START='holdfast restart postgresql --no-wait >/dev/null
    until script=$(pgrep -o -f "[b]in/start_prim"); do :; done'
SERVER='until read -r server </var/lib/postgresql/15/main/postmaster.pid
    do :; done 2>/dev/null'
SERVICE='until service=$(pgrep -o -f "[p]g_ctlcluster.* start"); do :; done'

@test "the start script is killed: what it left undone is done again" {
	long_only
	trouble "kill -9 of start_prim, at once" \
	    'start_prim was killed by signal 9' 'failover rule' n1 \
	    "$START; date +%s%3N; kill -9 \$script"
	trouble "kill -9 of start_prim, waiting" \
	    'start_prim was killed by signal 9' 'start_prim' n1 \
	    "$START; $SERVER; date +%s%3N; kill -9 \$script"
	shipped_again
}

@test "the start script hangs: its deadline, and the other node" {
	long_only
	trouble "SIGSTOP of start_prim (8 s)" 'start_prim did not end in time' \
	    'start_prim' n2 "$START; date +%s%3N; kill -STOP \$script"
	restore
	trouble "SIGSTOP of the unit's start (8 s)" \
	    'start_prim did not end in time' 'start_prim' n2 \
	    "$START; $SERVICE; date +%s%3N; kill -STOP \$service"
	not on n1 pgrep -f '[p]g_ctlcluster'
	restore
	trouble "SIGSTOP of the server in its start (8 s)" \
	    'start_prim did not end in time' 'start_prim' n2 \
	    "$START; $SERVER; date +%s%3N; kill -STOP \$server"
	not on n1 pgrep -x postgres
	restore
	shipped_again
}

# Two of its runs in a row.
STOP_CHECKS='date +%s%3N; seen=
    while set -- $seen; [ $# -lt 2 ]; do
	script=$(pgrep -o -f "[b]in/check_query") || continue
	case " $seen " in
	*" $script "*)	;;
	*)	kill -STOP "$script" && seen="$seen $script" ;;
	esac
    done'
# Whatever asks for a function waits for this.
LOCK='date +%s%3N
    runuser -u postgres -- psql -c "BEGIN; LOCK TABLE pg_proc;
    SELECT pg_sleep(600)" >/dev/null 2>&1 </dev/null 3>&- &'

@test "the checker hangs, by itself or in its query: restarted in place" {
	long_only
	trouble "SIGSTOP of check_query (10 s, 2 times)" 'hangs: killed' \
	    'failover rule c_query' n1 "$STOP_CHECKS"
	not on n1 pgrep -f '[b]in/check_query'
	trouble "a lock its query waits for (10 s, 2 times)" \
	    'custom.query set to down' 'failover rule c_query' n1 "$LOCK"
	shipped_again
}

# refuses TEXT: n2 does not start, and says TEXT.
refuses()
{
	run on n2 holdfast start postgresql --timeout 30
	[ "$status" -eq 70 ]
	[[ $output == *"$1"* ]]
	on n2 holdfast status postgresql | tr -s '\n ' ' ' | grep -qF "$1"
	[ "$(state n2)" = "STOP NotReady" ]
	[ "$(state n1)" = "ALONE Ready" ]
}

# Its files were changed while it was stopped (R42): that is set aside where it
# differs, and nobody is asked.
follows_all_the_same()
{
	on n2 holdfast wait --timeout 60 postgresql SECOND
	wait_until 60 'pair_is_level n1 n2'
}

@test "a node that cannot run it says why when it starts" {
	restore
	on n2 holdfast stop postgresql
	# The programs are not there.
	on n2 sh -c 'mount -t tmpfs tmpfs /usr/lib/postgresql'
	refuses "apt install postgresql-15 on this node"
	on n2 umount /usr/lib/postgresql
	# Another number.
	on n2 sed -i.bak 's/^postgres:x:[0-9]*/postgres:x:2101/' /etc/passwd
	refuses "both nodes need the same numbers (usermod -u, groupmod -g)"
	on n2 mv /etc/passwd.bak /etc/passwd
	# Files of another version.
	on n2 sh -c 'echo 13 >/var/lib/postgresql/15/main/PG_VERSION'
	refuses "has files of PostgreSQL 13, SERVICES says 15"
	on n2 sh -c 'echo 15 >/var/lib/postgresql/15/main/PG_VERSION'
	# The directory is not there.
	on n2 mv /var/lib/postgresql /var/lib/postgresql.away
	run on n2 holdfast start postgresql --timeout 30
	[[ $output == *"/var/lib/postgresql"* ]]
	on n2 holdfast stop postgresql
	on n2 mv /var/lib/postgresql.away /var/lib/postgresql
	on n2 holdfast start postgresql --no-wait
	follows_all_the_same
}

@test "a server that runs and starts at boot is taken over by the module" {
	restore
	on n2 holdfast stop postgresql
	on n2 sh -c 'sed -i s/manual/auto/ '$CONF'/start.conf
	    systemctl daemon-reload; systemctl start '$CLUSTER'
	    pgrep -x postgres >/dev/null'
	run on n2 holdfast check postgresql
	[[ $output == *"$CLUSTER is started at boot too"* ]]
	on n2 holdfast start postgresql --no-wait
	follows_all_the_same
	on n2 sh -c '! pgrep -x postgres'
	on n2 holdfast log postgresql | grep -q 'start.conf is manual now'
	# The same where none runs: what the mirror covered comes from n1.
	on n2 holdfast stop postgresql
	on n2 sed -i s/manual/auto/ $CONF/start.conf
	# Debian's stop of it has touched the directory, too.
	on n2 holdfast start postgresql --no-wait
	follows_all_the_same
	on n2 sh -c '! grep -q ^auto '$CONF'/start.conf'
}

@test "the primary without a database stops, and the log says what to do" {
	restore
	on n2 holdfast stop postgresql
	on n1 holdfast stop postgresql
	on n1 mv /var/lib/postgresql/15/main /var/lib/postgresql/15/away
	run on n1 holdfast start postgresql --timeout 30
	[[ $output == *"holds no database"*"pg_createcluster 15 main"* ]]
	on n1 mv /var/lib/postgresql/15/away /var/lib/postgresql/15/main
	on n1 holdfast start postgresql --timeout 30
	on n2 holdfast start postgresql --timeout 30
	wait_until 30 'pair_is_level n1 n2'
	[ "$(query 'SELECT 1')" = 1 ]
}
