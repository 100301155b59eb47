# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154 # variables of t/bench/run
#
# How long a client is without an answer.  A lab for each system and round:
# n1 serves, n2 takes over in a planned swap, then n2 loses its power and n1
# takes over.  The application is t/bench/beacon's for all; only Holdfast also
# moves the data.
#
# A system is a manager with the timers of its package, or with `-tuned' the
# ones below.  Each manager has MANAGER_up KIND, MANAGER_swap (n1 to n2) and
# MANAGER_settle, which returns when n1 can take over again.

ADDRESS=10.88.1.100
BEACON_PORT=7701
HOLDFAST_TUNED=500ms
KEEPALIVED_TUNED=0.1
PACEMAKER_TUNED=500
# Above what the slowest of them takes.
TAKEOVER_S=60

# beacon_put NODE DIR: the application, on its disk, also after a power cut.
beacon_put()
{
	on "$1" sh -c "mkdir -p '$2' && cat >'$2/beacon_service'" \
	    <"$here/module/bin/beacon_service"
	on "$1" sh -c "cat >'$2/beacon' && chmod +x '$2'/beacon* &&
	    sync -f '$2'" <"$top_builddir/t/bench/beacon"
}

serves()
{
	[ "$(on c1 tail -n 1 /run/probe 2>/dev/null)" = "$1" ]
}

# takeover_measure TEST SYSTEM ROUND FROM TO COMMAND...
takeover_measure()
{
	local test=$1 system=$2 round=$3 from=$4 to=$5 gap

	shift 5
	on c1 sh -c "rm -f /run/probe; /run/beacon probe $ADDRESS \
	    $BEACON_PORT >/run/probe 2>&1 & echo \$! >/run/probe.pid"
	wait_until 20 "serves $from" || return 1
	"$@" || return 1
	wait_until $TAKEOVER_S "serves $to" || return 1
	# A second gap just after the first would count too.
	sleep 1
	# shellcheck disable=SC2016 # expanded on the host
	on c1 sh -c 'kill "$(cat /run/probe.pid)"'
	wait_until 5 'on c1 grep -q gap_ms= /run/probe'
	gap=$(on c1 sed -n 's/.*gap_ms=//p' /run/probe)
	figure "$test" ms "$system" "$round" "$gap"
}

# --- Holdfast -----------------------------------------------------------

holdfast_up()
{
	local module=$BENCH_WORK/beacon timeout=2000ms

	[ "$1" = default ] || timeout=$HOLDFAST_TUNED
	rm -rf "$module"
	cp -r "$here/module" "$module"
	cp "$top_builddir/t/bench/beacon" "$module/bin/beacon"
	lab_begin --module "$module" --set "TIMEOUT=$timeout"
}

holdfast_swap()
{
	on n1 holdfast swap beacon --timeout 30
}

holdfast_is()
{
	on "$1" holdfast status --json 2>/dev/null | jq -e --arg s "$2" \
	    '.modules[] | .state == $s and .quality == "Ready"' >/dev/null
}

holdfast_settle()
{
	wait_until 30 'holdfast_is n1 SECOND && holdfast_is n2 PRIM'
}

# --- keepalived ---------------------------------------------------------

# One instance, nobody takes back: what its manual shows for two equal nodes.
# Version 2, the default, knows whole seconds only.
keepalived_config()
{
	cat <<-END
	global_defs {
		vrrp_version $([ "$1" = 1 ] && echo 2 || echo 3)
		enable_script_security
		script_user root
	}
	vrrp_instance beacon {
		state BACKUP
		nopreempt
		interface lan1
		virtual_router_id 51
		priority $2
		advert_int $1
		virtual_ipaddress {
			$ADDRESS/24
		}
		notify_master "/usr/bin/env sh /etc/beacon/master"
		notify_backup "/usr/bin/env sh /etc/beacon/backup"
		notify_stop "/usr/bin/env sh /etc/beacon/backup"
	}
	END
}

keepalived_start()
{
	on "$1" sh -c 'rm -f /run/beacon.state; keepalived --vrrp \
	    --pid /run/keepalived.pid --vrrp_pid /run/vrrp.pid \
	    --use-file /etc/keepalived/keepalived.conf'
	wait_until 20 "on $1 test -e /run/beacon.state"
}

keepalived_up()
{
	local node advert=1

	[ "$1" = default ] || advert=$KEEPALIVED_TUNED
	lab_begin
	for node in n1 n2; do
		beacon_put "$node" /etc/beacon
		on "$node" sh -c 'cd /etc/beacon
		    echo "echo master >/run/beacon.state
		    exec /etc/beacon/beacon_service start" >master
		    echo "/etc/beacon/beacon_service stop
		    echo backup >/run/beacon.state" >backup
		    mkdir -p /etc/keepalived'
		keepalived_config "$advert" $((110 - 10 * ${node#n})) |
		    on "$node" sh -c 'cat >/etc/keepalived/keepalived.conf
			sync -f /etc'
		keepalived_start "$node"
		[ "$node" = n2 ] ||
		    wait_until 20 'on n1 grep -q master /run/beacon.state'
	done
}

# Its end tells the other one at once.
keepalived_swap()
{
	# shellcheck disable=SC2016 # expanded on the host
	on n1 sh -c 'kill "$(cat /run/keepalived.pid)"'
}

keepalived_settle()
{
	wait_until 10 'on n1 test ! -e /run/keepalived.pid'
	keepalived_start n1
	wait_until 10 'on n1 grep -q backup /run/beacon.state'
}

# --- pacemaker ----------------------------------------------------------

# Two nodes without fencing: what Holdfast and keepalived do here, too.
corosync_config()
{
	cat <<-END
	totem {
		version: 2
		cluster_name: beacon
		transport: knet
		crypto_cipher: aes256
		crypto_hash: sha256
		${1:+token: $1}
	}
	quorum {
		provider: corosync_votequorum
		two_node: 1
		wait_for_all: 0
	}
	nodelist {
		node {
			name: n1
			nodeid: 1
			ring0_addr: 10.88.1.1
			ring1_addr: 10.88.2.1
		}
		node {
			name: n2
			nodeid: 2
			ring0_addr: 10.88.1.2
			ring1_addr: 10.88.2.2
		}
	}
	system {
		move_to_root_cgroup: no
	}
	logging {
		to_syslog: no
		to_stderr: no
		to_logfile: yes
		logfile: /var/log/corosync/corosync.log
	}
	END
}

pacemaker_resources()
{
	cat <<-END
	<group id="service">
	 <primitive id="address" class="ocf" provider="heartbeat"
	    type="IPaddr2">
	  <instance_attributes id="address-a">
	   <nvpair id="address-ip" name="ip" value="$ADDRESS"/>
	   <nvpair id="address-mask" name="cidr_netmask" value="24"/>
	   <nvpair id="address-nic" name="nic" value="lan1"/>
	  </instance_attributes>
	  <operations>
	   <op id="address-m" name="monitor" interval="10s"/>
	  </operations>
	 </primitive>
	 <primitive id="beacon" class="lsb" type="beacon">
	  <operations>
	   <op id="beacon-m" name="monitor" interval="10s"/>
	  </operations>
	 </primitive>
	</group>
	END
}

pacemaker_start()
{
	on "$1" sh -c 'mkdir -p /var/lib/corosync /var/log/corosync \
	    /var/lib/pacemaker /var/log/pacemaker /run/crm \
	    /run/resource-agents
	cd /var/lib/pacemaker
	mkdir -p cib pengine cores blackbox
	chown -R hacluster:haclient /var/lib/pacemaker /var/log/pacemaker \
	    /run/crm
	corosync
	setsid pacemakerd </dev/null >/var/log/pacemakerd.log 2>&1 &'
}

pacemaker_online()
{
	on n1 crm_mon -1 2>/dev/null | grep -q 'Online: \[ n1 n2 \]'
}

# pacemaker_runs NODE: both resources there, and nothing left to do.
pacemaker_runs()
{
	local text

	text=$(on "$1" crm_mon -1 2>/dev/null) &&
	    [ "$(grep -c "Started $1\$" <<<"$text")" -eq 2 ] &&
	    on "$1" crmadmin -q -S "$(on "$1" crmadmin -q -D)" |
	    grep -q S_IDLE
}

pacemaker_up()
{
	local node token=

	[ "$1" = default ] || token=$PACEMAKER_TUNED
	lab_begin
	head -c 128 /dev/urandom >"$BENCH_WORK/authkey"
	for node in n1 n2; do
		beacon_put "$node" /etc/beacon
		on "$node" ln -sf /etc/beacon/beacon_service \
		    /etc/init.d/beacon
		corosync_config "$token" |
		    on "$node" sh -c 'cat >/etc/corosync/corosync.conf'
		on "$node" sh -c 'umask 077; cat >/etc/corosync/authkey' \
		    <"$BENCH_WORK/authkey"
		pacemaker_start "$node"
	done
	wait_until 60 pacemaker_online || return 1
	on n1 crm_attribute -t crm_config -n stonith-enabled -v false
	on n1 crm_attribute -t rsc_defaults -n resource-stickiness -v 100
	on n1 crm_attribute -N n2 -n standby -v on
	pacemaker_resources | on n1 cibadmin -C -o resources -p
	wait_until 60 'pacemaker_runs n1' || return 1
	on n1 crm_attribute -N n2 -n standby -D
	wait_until 20 'pacemaker_runs n1'
}

pacemaker_swap()
{
	on n1 crm_attribute -N n1 -n standby -v on
}

pacemaker_settle()
{
	wait_until 20 'pacemaker_runs n2' || return 1
	on n2 crm_attribute -N n1 -n standby -D
	wait_until 20 'pacemaker_runs n2'
}

# ------------------------------------------------------------------------

# One lab, two figures; false where a step took too long.
takeover_round()
{
	local system=$1 round=$2 manager=${1%-tuned} kind=default

	[ "$system" = "$manager" ] || kind=tuned
	"${manager}_up" "$kind" || return 1
	on c1 sh -c 'cat >/run/beacon && chmod +x /run/beacon' \
	    <"$top_builddir/t/bench/beacon"
	takeover_measure "planned swap" "$system" "$round" n1 n2 \
	    "${manager}_swap" || return 1
	"${manager}_settle" || return 1
	takeover_measure "power off of the primary" "$system" "$round" n2 n1 \
	    "$LAB" power off n2
}

# The ends of their logs, for the one who wonders about a failed round.
takeover_logs()
{
	local node

	for node in n1 n2; do
		"$LAB" exec "$node" sh -c 'tail -n 20 \
		    /var/log/corosync/corosync.log /var/log/pacemakerd.log \
		    /var/log/pacemaker/pacemaker.log \
		    /var/log/holdfast/*.events' 2>/dev/null || :
	done
}

takeover_systems()
{
	systems=(holdfast holdfast-tuned)
	if peer_install keepalived keepalived; then
		systems+=(keepalived keepalived-tuned)
	fi
	if peer_install pacemaker pacemaker pacemaker-cli-utils corosync \
	    resource-agents; then
		systems+=(pacemaker pacemaker-tuned)
	fi
	note_fact "holdfast: heart timeout 2 s; tuned: ${HOLDFAST_TUNED%ms} ms"
	note_fact "keepalived: VRRP 2, advert_int 1 s; tuned: VRRP 3," \
	    "$KEEPALIVED_TUNED s"
	note_fact "pacemaker: corosync token 3 s; tuned: $PACEMAKER_TUNED ms;" \
	    "no fencing"
	note_fact "takeover: only Holdfast moves data as well"
}

part_takeover()
{
	local systems system round first log=$BENCH_WORK/takeover.log

	takeover_systems
	first=$(first_round "planned swap")
	for ((round = first; round < first + rounds; round++)); do
		for system in $(in_turn "$round" "${systems[@]}"); do
			takeover_round "$system" "$round" >"$log" || {
				tail -n 5 "$log" >&2
				takeover_logs >&2
				skip_system "$system" \
				    "round $round: $(tail -n 1 "$log")"
			}
			lab_end
		done
	done
}
