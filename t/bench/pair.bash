# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154 # variables of t/bench/run
#
# The parts that compare directories: one lab with the module mirror, and the
# peers on the same two hosts and the same two disks.

# Where each system's directory is on n1.
declare -A DIRECTORY=(
	[native]=/srv/native
	[holdfast]=/srv/data
	[holdfast-writeback]=/srv/writeback
	[gluster]=/srv/gluster
)

# The volume's options are the package's defaults.
gluster_up()
{
	local node

	# shellcheck disable=SC2016 # expanded on the host
	for node in n1 n2; do
		"$LAB" exec "$node" sh -c 'mkdir -p /var/lib/glusterd \
		    /var/log/glusterfs /run/gluster /srv/brick /srv/gluster &&
		    glusterd -p /run/glusterd.pid' || return 1
	done
	wait_until 20 'on n1 gluster --mode=script peer probe n2' &&
	    wait_until 20 'on n1 gluster peer status |
		grep -q "Peer in Cluster (Connected)"' &&
	    on n1 gluster --mode=script volume create pair replica 2 \
		n1:/srv/brick n2:/srv/brick force &&
	    on n1 gluster --mode=script volume start pair &&
	    on n1 mount -t glusterfs n1:/pair /srv/gluster &&
	    wait_until 20 'on n1 mountpoint -q /srv/gluster' &&
	    on n1 sh -c 'echo >/srv/gluster/.ready' &&
	    wait_until 20 'on n2 test -e /srv/brick/.ready'
}

# The module mirror, with a second directory whose writes the kernel keeps.
pair_module()
{
	local dir=$BENCH_WORK/mirror

	if [ ! -d "$dir" ]; then
		cp -r "$top_srcdir/modules/mirror" "$dir"
		sed -i '/<replicated dir="%DATA%"/a\
		<replicated dir="/srv/writeback" cache="writeback"/>' \
		    "$dir/conf/userconfig.xml"
		sed -i '2i mkdir -p /srv/writeback' "$dir/bin/prestart"
	fi
	echo "$dir"
}

# pair_begin: the lab, and systems=() of what runs.
pair_begin()
{
	local gluster=false

	# A host's /etc is a copy of the machine's: first install.
	! peer_install gluster glusterfs-server glusterfs-client ||
	    gluster=true
	lab_begin --module "$(pair_module)"
	systems=(native holdfast holdfast-writeback)
	on n1 mkdir -p /srv/native
	$gluster || return 0
	note_fact "gluster: GlusterFS $(package_version glusterfs-server)," \
	    "replica 2, its default options"
	if gluster_up >"$BENCH_WORK/gluster.log" 2>&1; then
		systems+=(gluster)
	elif ! grep -q '^# skipped.gluster' "$figures"; then
		cat "$BENCH_WORK/gluster.log" >&2
		skip_system gluster "$(tail -n 1 "$BENCH_WORK/gluster.log")"
	fi
}

# --- files --------------------------------------------------------------

mbench_up()
{
	on n1 sh -c "cat >/run/mbench && chmod +x /run/mbench" \
	    <"$top_builddir/t/bench/mbench"
}

# mbench ARG...: on n1; prints the number.
mbench()
{
	local out

	out=$(on n1 /run/mbench "$@")
	echo "${out#us=}"
}

# compare TEST UNIT DIVISOR ARG...: with {} for the directory.
compare()
{
	local test=$1 unit=$2 divisor=$3 system round first us

	shift 3
	# Not counted: a virtual machine gets its memory at the first touch.
	for system in "${systems[@]}"; do
		mbench "${@/\{\}/${DIRECTORY[$system]}}" >/dev/null
	done
	first=$(first_round "$test")
	for ((round = first; round < first + rounds; round++)); do
		for system in $(in_turn "$round" "${systems[@]}"); do
			us=$(mbench "${@/\{\}/${DIRECTORY[$system]}}")
			figure "$test" "$unit" "$system" "$round" \
			    "$(awk "BEGIN { print $us / $divisor }")"
		done
	done
}

part_files()
{
	local systems

	pair_begin
	mbench_up
	compare "8 KiB write, O_DSYNC, 1 writer" us 1 \
	    sync {} 300 8192 dsync 1
	compare "8 KiB write + fdatasync, 8 writers" us 1 \
	    sync {} 100 8192 fdatasync 8
	compare "64 x 1 MiB write, then fsync" ms 1000 \
	    bulk {} 64
	compare "4 KiB random read, cached" us 1 \
	    read {} 200000
	compare "create 5,000 files of 1,000 B, each" us 1 \
	    create {} 5000 1000
	compare "128 MiB read from end to end, not cached" ms 1000 \
	    scan {} 128
	compare "open, read and close 2,000 files of 1,000 B, each" us 1 \
	    small {} 2000 1000
	tree_of_sources
	compare "untar a source tree" ms 1000 untar {} /run/tree.tar
	compare "rm -rf of it" ms 1000 remove {} /run/tree.tar
	lab_end
}

# The kernel's header files for programs, /run/tree.tar on n1.
tree_of_sources()
{
	on n1 tar -C /usr/include -cf /run/tree.tar linux
	note_fact "source tree: /usr/include/linux," \
	    "$(on n1 tar -tf /run/tree.tar | wc -l) names," \
	    "$(on n1 stat -c %s /run/tree.tar | awk '{
	    print int($1 / 1048576) }') MiB"
}

# --- stalls -------------------------------------------------------------

# stall_of COMMAND...: the longest write of two seconds in the middle of which
# that is done, in ms.
stall_of()
{
	local pid us

	mbench stall /srv/data 2 >"$BENCH_WORK/stall" &
	pid=$!
	sleep 0.7
	"$@" >&2
	wait "$pid"
	us=$(cat "$BENCH_WORK/stall")
	awk "BEGIN { print $us / 1000 }"
}

# What an application waits for when something of ours dies, and the peer; the
# last with the bound that the module has (rfs@stall, and the timeout).
part_stalls()
{
	local round first MODULE=mirror

	lab_begin --module "$(pair_module)"
	mbench_up
	wait_until 60 'pair_is_level n1 n2'
	first=$(first_round "longest write while mirrord is killed")
	for ((round = first; round < first + rounds; round++)); do
		figure "longest write while mirrord is killed" ms holdfast \
		    "$round" "$(stall_of on n1 pkill -KILL -x mirrord)"
		wait_until 20 'pair_is_level n1 n2'
		figure "longest write, nothing happens" ms holdfast "$round" \
		    "$(stall_of true)"
		figure "longest write while the peer loses its power" ms \
		    holdfast "$round" "$(stall_of "$LAB" power off n2)"
		"$LAB" power on n2 >&2
		wait_until 60 'pair_is_level n1 n2'
	done
	lab_end
}

# --- database -----------------------------------------------------------

PG=/usr/lib/postgresql/15/bin
PG_SCALE=10
PG_SECONDS=8
declare -A PG_PORT=([native]=5501 [holdfast]=5502 [gluster]=5503
	[pgsync]=5504 [holdfast-writeback]=5505)

# as_postgres NODE COMMAND...
as_postgres()
{
	local node=$1

	shift
	on "$node" runuser -u postgres -- "$@" </dev/null
}

# pg_start NODE SYSTEM DIR
pg_start()
{
	as_postgres "$1" "$PG/pg_ctl" -D "$3" -w -t 60 \
	    -l "/tmp/pg.$2.log" start >/dev/null
}

# pg_cluster SYSTEM DIR: made on n1, running, with pgbench's tables.
pg_cluster()
{
	local system=$1 dir=$2 port=${PG_PORT[$1]}

	on n1 install -d -o postgres -g postgres -m 700 "$dir"
	as_postgres n1 "$PG/initdb" -D "$dir" -A trust >/dev/null || return 1
	# No checkpoint by time, none by size within a run.
	on n1 sh -c "cat >>'$dir/postgresql.conf'" <<-END
	port = $port
	listen_addresses = '10.88.1.1'
	unix_socket_directories = '/tmp'
	shared_buffers = 256MB
	max_wal_size = 1GB
	checkpoint_timeout = 30min
	autovacuum = off
	END
	on n1 sh -c "cat >>'$dir/pg_hba.conf'" <<-'END'
	host replication postgres 10.88.1.0/24 trust
	END
	pg_start n1 "$system" "$dir" || return 1
	as_postgres n1 "$PG/pgbench" -h /tmp -p "$port" -i -s "$PG_SCALE" -q \
	    postgres >"$BENCH_WORK/pgbench.log" 2>&1
}

pg_query()
{
	as_postgres n1 "$PG/psql" -h /tmp -p "${PG_PORT[$1]}" -qXAtc "$2" \
	    postgres
}

# A standby on n2, and every commit waits for it.
pg_standby()
{
	local dir=/srv/native/pgsync

	pg_cluster pgsync "$dir" || return 1
	on n2 install -d -o postgres -g postgres -m 755 /srv/native
	as_postgres n2 "$PG/pg_basebackup" -h 10.88.1.1 \
	    -p "${PG_PORT[pgsync]}" -D "$dir" -R -c fast ||
	    return 1
	on n2 sh -c "echo \"listen_addresses = ''\" >>'$dir/postgresql.conf'"
	pg_start n2 pgsync "$dir" || return 1
	pg_query pgsync "ALTER SYSTEM SET synchronous_standby_names = '*'"
	pg_query pgsync "SELECT pg_reload_conf()" >/dev/null
	wait_until 20 '[ "$(pg_query pgsync "SELECT sync_state
	    FROM pg_stat_replication")" = sync ]'
}

# pg_run SYSTEM: prints the transactions per second.
pg_run()
{
	local system=${1%-apply} options=

	[ "$system" = "$1" ] || options="-c synchronous_commit=remote_apply"
	pg_query "$system" CHECKPOINT
	on n1 sync
	as_postgres n1 env PGOPTIONS="$options" "$PG/pgbench" -h /tmp \
	    -p "${PG_PORT[$system]}" -c 8 -j 2 -T "$PG_SECONDS" postgres \
	    2>"$BENCH_WORK/pgbench.log" | sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}

# A failure of one is no failure of the others.
pg_begin()
{
	local system ready=()

	! $quick || PG_SECONDS=3
	for system in "${systems[@]}"; do
		say "$system: a database"
		if (pg_cluster "$system" "${DIRECTORY[$system]}/pg"); then
			ready+=("$system")
		else
			skip_system "$system" "initdb or pgbench -i failed"
		fi
	done
	if wanted pgsync; then
		say "pgsync: a database and its standby"
		if (pg_standby); then
			ready+=(pgsync pgsync-apply)
		else
			skip_system pgsync "the standby does not follow"
		fi
	fi
	systems=("${ready[@]}")
}

# --- distance -----------------------------------------------------------

# How often the pair changed its mind, since it was made.
transitions()
{
	on n1 cat /var/log/holdfast/mirror.events | grep -c Transition
}

# The other node so many ms away, there and back: what a synced write costs, and
# a database; and that nobody takes it for a failure.
part_distance()
{
	local systems round first away MODULE=mirror before

	pair_begin
	mbench_up
	wait_until 60 'pair_is_level n1 n2'
	pg_begin
	note_fact "distance: of the other node, there and back, in ms"
	before=$(transitions)
	for away in 0 0.5 2 10; do
		"$LAB" delay n2 "$(awk "BEGIN { print $away / 2 }")"
		first=$(first_round "pgbench -c 8, $away ms away")
		for ((round = first; round < first + rounds; round++)); do
			for system in $(in_turn "$round" "${systems[@]}"); do
				[ -z "${DIRECTORY[$system]-}" ] ||
				    figure "fdatasync, 1 writer, $away ms away" \
				    us "$system" "$round" "$(mbench sync \
				    "${DIRECTORY[$system]}" 100 8192 fdatasync 1)"
				figure "pgbench -c 8, $away ms away" tps \
				    "$system" "$round" "$(pg_run "$system")"
			done
		done
	done
	"$LAB" delay n2 0
	note_fact "distance: $(($(transitions) - before)) changes of role"
	lab_end
}

part_database()
{
	local systems system round first test="pgbench -c 8, scale $PG_SCALE"

	[ -x "$PG/pgbench" ] || {
		skip_system pgbench "$PG/pgbench: ./bootstrap deps"
		return
	}
	pair_begin
	pg_begin
	note_fact "pgsync: PostgreSQL $(package_version postgresql-15), a" \
	    "standby, synchronous_commit=on; pgsync-apply: remote_apply"
	for system in "${systems[@]}"; do
		pg_run "$system" >/dev/null
	done
	first=$(first_round "$test")
	for ((round = first; round < first + rounds; round++)); do
		for system in $(in_turn "$round" "${systems[@]}"); do
			figure "$test" tps "$system" "$round" \
			    "$(pg_run "$system")"
		done
	done
	lab_end
}
