# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2016 # lines for wait_until and for the hosts
#
# Clients of a PostgreSQL server that may be gone at any time, on c1: each
# transaction is a row of told (run int, client int, n int), and a line of a log
# when pgbench was told of it.  Sourced after lib.bash.

# told_start RUN CLIENTS ADDRESS CONNECT: when they lose the server at that
# address, they find it again, in the next run.
told_start()
{
	on c1 sh -c 'rm -rf /srv/told && mkdir /srv/told &&
	    cat >/srv/told/sql' <<-'END'
	\set n :n + 1
	INSERT INTO told VALUES (:run, :client_id, :n);
	END
	on c1 bash -c 'cd /srv/told
	for ((run = $1; ; run++)); do
		until [ -e stop ] || timeout 0.3 pg_isready -q -h "$3"; do
			sleep 0.05
		done
		[ ! -e stop ] || exit
		pgbench -n -l --log-prefix=told.$run -c "$2" -T 600 -f sql \
		    -D run=$run -D n=0 "$4" >>out 2>&1 &
		echo $! >pid
		wait
	done >/dev/null 2>&1 </dev/null 3>&- &' bash "$@"
}

# The end of its time ends it in order, with all that it has to log.
told_stop()
{
	on c1 bash -c 'cd /srv/told; touch stop; kill -ALRM "$(cat pid)"'
	wait_until 10 '! on c1 pgrep -x pgbench >/dev/null'
}

# told: "RUN CLIENT N", a line for each transaction pgbench was told of.
told()
{
	on c1 sh -c 'cd /srv/told && for f in told.*; do [ ! -e "$f" ] ||
	    awk '\''{ split(FILENAME, part, ".")
	    print part[2], $1, $2 }'\'' "$f"; done'
}
