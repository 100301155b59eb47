# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2016,SC2154 # variables of t/bench/farm
#
# How long after a death some client is still not answered at first: a
# datagram a millisecond, from 1000 addresses.  In one lab for each profile,
# n1 dies, which directs, and then a node that does not.  keepalived is on the
# same nodes, for an address of its own, and loses its master in the same
# moment.

FARM_TIMEOUT_MS=500
KEEPALIVED_VIP=10.88.1.150

takeover_keepalived_config()
{
	cat <<-END
	global_defs {
		enable_script_security
		script_user root
	}
	vrrp_instance herd {
		state BACKUP
		nopreempt
		interface lan1
		virtual_router_id 51
		priority $1
		advert_int 1
		virtual_ipaddress {
			$KEEPALIVED_VIP/24
		}
	}
	END
}

# Its own timers, n1 first; both answer, whoever has the address.
takeover_keepalived()
{
	local node

	for node in n1 n2; do
		takeover_keepalived_config $((110 - 10 * ${node#n})) |
		    on $node sh -c 'cat >/run/keepalived.conf
		    [ -e /run/keepalived.pid ] || keepalived --vrrp \
		    --pid /run/keepalived.pid --vrrp_pid /run/vrrp.pid \
		    --use-file /run/keepalived.conf'
		[ $node = n2 ] || wait_until 20 takeover_keepalived_is_n1
	done
}

takeover_keepalived_is_n1()
{
	on n1 ip -o addr show lan1 | grep -q " $KEEPALIVED_VIP/"
}

# Whoever had it gives it up; n1 takes it when it is the only one.
takeover_keepalived_end()
{
	local node

	for node in n1 n2; do
		on $node sh -c '[ ! -e /run/keepalived.pid ] ||
		    kill "$(cat /run/keepalived.pid)"'
		wait_until 10 "on $node test ! -e /run/keepalived.pid"
	done
}

# takeover_death TEST SYSTEM ROUND NODE OTHERS...
takeover_death()
{
	local test=$1 system=$2 round=$3 node=$4 peer=false

	shift 4
	if $takeover_peer && [ "$node" = n1 ]; then
		peer=true
		takeover_keepalived
		client_start peer udp -d $KEEPALIVED_VIP -s $CLIENTS+100 -i 1
	fi
	client_start farm udp -d $FARM_VIP -s $CLIENTS+1000 -i 1
	client_start syn fresh -d $FARM_VIP -s $CLIENTS+1000 -i 2
	round_event death node_die "$node"
	wait_shared_by 20 "$@"
	! $peer || wait_until 20 "on n2 ip -o addr show lan1 |
	    grep -q ' $KEEPALIVED_VIP/'"
	# As long again: what comes late has to be seen.
	sleep 1
	clients_end "$BENCH_WORK"
	figure "$test" ms "$system" "$round" \
	    "$(value until_ms "$BENCH_WORK/farm.out" mark=death)"
	figure "$test, SYN" ms "$system" "$round" \
	    "$(value until_ms "$BENCH_WORK/syn.out" mark=death)"
	if $peer; then
		figure "$test" ms keepalived "$round" \
		    "$(value until_ms "$BENCH_WORK/peer.out" mark=death)"
	fi
	"$LAB" power on "$node"
	! $peer || takeover_keepalived_end
	wait_shared_by 60 n1 n2 n3
}

# The director is whoever was it last: n1 becomes it when the others stop.
takeover_n1_directs()
{
	local node

	[ "$(farm_director n1)" != n1 ] || return 0
	for node in n2 n3; do
		on $node holdfast stop $FARM
	done
	wait_shared_by 20 n1
	for node in n2 n3; do
		on $node holdfast start $FARM
	done
	wait_shared_by 30 n1 n2 n3
}

takeover_profile()
{
	local system=$1 round first

	shift
	bench_farm_begin "$@"
	first=$(takeover_first "$system")
	for ((round = first; round < first + rounds; round++)); do
		takeover_n1_directs
		takeover_death "director dies" "$system" $round n1 n2 n3
		takeover_n1_directs
		takeover_death "node dies" "$system" $round n3 n1 n2
	done
	lab_end
}

takeover_first()
{
	awk -F '\t' -v s="$1" '$1 == "node dies" && $3 == s && $4 > last {
	    last = $4 } END { print last + 1 }' "$figures"
}

part_takeover()
{
	local takeover_peer=false

	# shellcheck source=t/farm/round.bash
	. "$top_srcdir/t/farm/round.bash"
	! peer_install keepalived keepalived || takeover_peer=true
	note_fact "keepalived $(package_version keepalived), its own timers" \
	    "(advert 1 s); farm: pulse 100 ms, 5 lost; farm-fast: 10 ms, 3"
	takeover_profile farm --set PULSE=100ms --set COUNT=5
	# One beside it is enough.
	takeover_peer=false
	takeover_profile farm-fast --set PULSE=10ms --set COUNT=3
}
