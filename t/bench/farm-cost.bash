# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2016,SC2154 # variables of t/bench/farm
#
# What a request costs, and how evenly clients are shared out.  The servers
# are nginx, one worker a node; the client is t/farm/farmcli, from 192
# addresses.  All hosts of the lab are in one cgroup, and what its processes
# used is what is counted: a frame that goes through the switch is worked on
# in the time of the process that sent it, up to the receiver's socket.  The
# time that the kernel's own thread for such work took is added.

COST_CONNECTIONS=64
COST_S=4
HAPROXY_PORT=8081

# The systems of this run, in the order of the table.
cost_systems()
{
	echo direct director-nft
	! wanted bpf || echo director-bpf
	echo vmac-nft
	! wanted bpf || echo vmac-bpf
	! $cost_haproxy || echo haproxy
}

nginx_config()
{
	cat <<-END
	worker_processes 1;
	pid /run/nginx.pid;
	error_log /run/nginx.err;
	events { worker_connections 4096; }
	http {
		access_log off;
		keepalive_requests 10000000;
		server {
			listen 80 backlog=4096;
			root /run/www;
			default_type text/plain;
			add_header X-Node $1;
		}
	}
	END
}

# One worker's own loop, as any balancer of one core.
haproxy_config()
{
	cat <<-END
	global
		maxconn 8000
		nbthread 1
	defaults
		mode tcp
		timeout connect 5s
		timeout client 60s
		timeout server 60s
	listen web
		bind 10.88.1.1:$HAPROXY_PORT
		balance source
		server n1 10.88.1.1:80
		server n2 10.88.1.2:80
		server n3 10.88.1.3:80
	END
}

cost_servers()
{
	local node

	for node in n1 n2 n3; do
		nginx_config $node | on $node sh -c 'cat >/run/nginx.conf
		    mkdir -p /run/www /var/lib/nginx && head -c 1024 /dev/zero |
		    tr "\0" x >/run/www/1k && nginx -c /run/nginx.conf'
	done
	! $cost_haproxy || haproxy_config | on n1 sh -c \
	    'cat >/run/haproxy.cfg && haproxy -D -f /run/haproxy.cfg \
	    -p /run/haproxy.pid'
}

cost_servers_end()
{
	local node

	for node in n1 n2 n3; do
		on $node sh -c 'for f in /run/nginx.pid /run/haproxy.pid; do
		    [ ! -e $f ] || kill "$(cat $f)"; done'
	done
}

# Microseconds of CPU time of the whole lab until now.
cost_cpu_us()
{
	local at soft=0 ticks pid

	at=$(sed -n 's/ .*//; s,^\(.*\)/n1$,\1,p' "$BENCH_WORK/cgroup")
	for pid in $(pgrep -x 'ksoftirqd/[0-9]*'); do
		ticks=$(cut -d' ' -f14-15 "/proc/$pid/stat")
		soft=$((soft + ${ticks/ / + }))
	done
	echo $(($(sed -n 's/^usage_usec //p' "$at/cpu.stat") +
	    soft * 1000000 / $(getconf CLK_TCK)))
}

# cost_measure SYSTEM ROUND HOW TARGETS PORT [-x]
cost_measure()
{
	local system=$1 round=$2 how=$3 targets=$4 port=$5 before after n

	shift 5
	before=$(cost_cpu_us)
	on c1 /run/farmcli load -d "$targets" -p "$port" -u /1k \
	    -s $CLIENTS+192 -n $COST_CONNECTIONS -t $COST_S "$@" \
	    >"$BENCH_WORK/load"
	after=$(cost_cpu_us)
	[ "$(value errors "$BENCH_WORK/load")" = 0 ] || {
		cat "$BENCH_WORK/load" >&2
		skip_system "$system" "errors in a round: it counts not"
		return
	}
	n=$(value requests "$BENCH_WORK/load")
	figure "CPU $how" us "$system" "$round" \
	    "$(awk "BEGIN { printf \"%.2f\", ($after - $before) / $n }")"
	figure "median $how" us "$system" "$round" \
	    "$(value p50_us "$BENCH_WORK/load")"
	figure "99 % $how" us "$system" "$round" \
	    "$(value p99_us "$BENCH_WORK/load")"
}

cost_system()
{
	local system=$1 round=$2 to=$FARM_VIP port=80

	case $system in
	direct)	to=10.88.1.1,10.88.1.2,10.88.1.3 ;;
	haproxy)
		to=10.88.1.1 port=$HAPROXY_PORT ;;
	*)	farm_be "$system" || {
			skip_system "$system" "not to be had here"
			return
		} ;;
	esac
	cost_measure "$system" "$round" keepalive $to $port
	cost_measure "$system" "$round" close $to $port -x
}

# farm_be DELIVERY-BACKEND: all nodes are, and share alike.
farm_be()
{
	local node type=vmac_directed

	[ "${1%-*}" = director ] || type=vmac_invisible
	farm_set TYPE=$type BACKEND="${1#*-}" || return 1
	for node in n1 n2 n3; do
		wait_until 60 "farm_is $node ${1%-*} ${1#*-}" || return 1
	done
}

farm_is()
{
	local facts

	facts=$(farm_facts "$1" | grep ^farm=) &&
	    grep -q "\<delivery=$2\>" <<<"$facts" &&
	    grep -q "\<backend=$3\>" <<<"$facts"
}

bench_farm_begin()
{
	farm_module "$BENCH_WORK/$FARM"
	BENCH_NODES=3
	lab_begin --module "$BENCH_WORK/$FARM" "$@"
	# shellcheck source=bin/lab/common.bash
	(. "$TOP/bin/lab/common.bash"; echo "$(cgroup_root)/n1") \
	    >"$BENCH_WORK/cgroup"
	farm_clients
	wait_shared_by 30 n1 n2 n3
}

part_cost()
{
	local round first system cost_haproxy=false

	peer_install nginx nginx-light || exit 69
	! peer_install haproxy haproxy || cost_haproxy=true
	note_fact "HAProxy $(package_version haproxy), on n1, one thread;" \
	    "nginx $(package_version nginx), one worker on each node;" \
	    "$COST_CONNECTIONS connections, 1 KiB; CPU: client, switch and" \
	    "servers together"
	note_fact "the switch is this machine's processor, too: a frame that" \
	    "the director passes on goes through it twice"
	bench_farm_begin
	cost_servers
	first=$(first_round "CPU keepalive")
	for ((round = first; round < first + rounds; round++)); do
		for system in $(in_turn $round $(cost_systems)); do
			cost_system "$system" $round
		done
	done
	cost_servers_end
	lab_end
}

part_share()
{
	local round first

	bench_farm_begin
	first=$(first_round "share most/least")
	for ((round = first; round < first + rounds; round++)); do
		on c1 /run/farmcli fair -d $FARM_VIP \
		    -s 10.99.$((round * 40)).1+10000 >"$BENCH_WORK/fair"
		[ "$(value failed "$BENCH_WORK/fair")" = 0 ] ||
		    cat "$BENCH_WORK/fair" >&2
		figure "share most/least" ratio farm $round \
		    "$(value ratio "$BENCH_WORK/fair" clients=10000)"
	done
	lab_end
}
