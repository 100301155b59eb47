# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Modules of a new lab: what an administrator would type, node by node, and
# the wait until all are Ready.

# A module's first copy is small here; a minute is far beyond it.
MODULE_WAIT_S=60

node_list()
{
	grep '^n' "$LAB_STATE/hosts"
}

# cluster.xml and the key are made on n1 and copied by hand, as an
# administrator does.
cluster_configure()
{
	local node lan args=() nodes file

	for lan in $(lan_list); do
		nodes=
		for node in $(node_list); do
			nodes+="${nodes:+,}$node=10.88.${lan#lan}.${node#n}"
		done
		args+=("$lan:$nodes")
	done
	host_run n1 holdfast cluster init lab "${args[@]}"
	for node in $(node_list); do
		for file in cluster.xml cluster.key; do
			[ "$node" = n1 ] || host_run n1 cat "/etc/holdfast/$file" |
			    host_run "$node" sh -c "umask 077 &&
			    mkdir -p -m 755 /etc/holdfast &&
			    cat >/etc/holdfast/$file && sync /etc/holdfast/$file \
			    /etc/holdfast"
		done
		host_run "$node" holdfast config
	done
	if grep -qx w1 "$LAB_STATE/hosts"; then
		witness_configure
	fi
}

# The two commands an administrator types, on a node and on the witness.
witness_configure()
{
	local lan addrs=

	host_run w1 test -x "${LAB_WITNESS_SERVICE%% *}" || {
		warn "w1: no witness in this build: heartbeats only"
		return 0
	}
	for lan in $(lan_list); do
		addrs+="${addrs:+,}10.88.${lan#lan}.$(host_number w1)"
	done
	host_run n1 holdfast cluster witness add w1 "$addrs"
	host_run n1 cat /etc/holdfast/witness/w1.key |
	    host_run w1 "${LAB_WITNESS_SERVICE%% *}" -a lab
}

modules_up()
{
	local i

	cluster_configure
	for i in "${!LAB_MODULES[@]}"; do
		module_up "$i" "${LAB_MODULES[i]}"
	done
}

# module_up INDEX SOURCE
module_up()
{
	local index=$1 source=$2 name mode node dir

	name=${source##*/}
	name=${name%.safe}
	mapfile -t sets < <(module_sets "$index" "$source")
	for node in $(node_list); do
		module_copy "$node" "$source"
		module_prepare "$node" "$source"
		host_run "$node" holdfast module install \
		    "/run/lab/${source##*/}" "${sets[@]}"
		# The directories are the administrator's to make.
		host_run "$node" holdfast config "$name"
		for dir in $(module_get "$node" "$name" //replicated/@dir); do
			host_run "$node" mkdir -p "$dir"
		done
		host_run "$node" holdfast start "$name" --no-wait
	done
	mode=$(module_get n1 "$name" //service/@mode)
	if [ "$mode" = mirror ]; then
		wait_for "$MODULE_WAIT_S" module_prim "$name" ||
		    die "$EX_UNAVAILABLE" "$name: n1 does not become primary"
	fi
	wait_for "$MODULE_WAIT_S" module_is_ready "$name" "$mode" || {
		for node in $(node_list); do
			host_run "$node" holdfast status "$name" >&2 || :
		done
		die "$EX_UNAVAILABLE" "$name: not Ready on all nodes after" \
		    "$MODULE_WAIT_S s"
	}
}

# The options that set the macros: the lab's address, then the user's.
module_sets()
{
	local index=$1 source=$2 set

	if [ ! -d "$source" ] ||
	    grep -q '<macro name="VIP"' "$source/conf/userconfig.xml"; then
		printf '%s\n' --set "VIP=10.88.1.$((100 + index))"
	fi
	for set in "${LAB_SETS[@]}"; do
		if [ "${set%% *}" = "$index" ]; then
			printf '%s\n' --set "${set#* }"
		fi
	done
}

# Into memory of the host: where it comes from may not be seen there.
module_copy()
{
	local run

	run=/proc/$(cat "$LAB_STATE/$1/pid")/root/run/lab
	mkdir -p "$run"
	cp -rL "$2" "$run/"
}

# What the packages of the application would have made on a machine of its
# own, for a module that needs it.
module_prepare()
{
	local script

	script=lab-prepare
	if [ -x "$2/$script" ]; then
		host_run "$1" "/run/lab/${2##*/}/$script" >&2 ||
		    die "$EX_UNAVAILABLE" "$1: $script of ${2##*/} failed"
	fi
}

# module_get NODE MODULE XPATH: from the configuration in force.
module_get()
{
	host_run "$1" /usr/lib/holdfast/bin/xpathGet "$3" \
	    "/var/lib/holdfast/$2/config/active/safeconf.xml"
}

# The daemons that were just started may still be on their way (75).
module_prim()
{
	local rc=0

	host_run n1 holdfast prim "$1" --yes "$1" --timeout 20 || rc=$?
	[ "$rc" -ne 75 ] || return 1
	[ "$rc" -eq 0 ] || die "$EX_UNAVAILABLE" "$1: prim on n1: status $rc"
}

# module_is_ready MODULE MODE: on every node, and no node alone where a peer is
# to be had.
module_is_ready()
{
	local node filter

	filter='.modules[] | select(.name == $m) |
	    .quality == "Ready" and .state != "WAIT" and
	    (.state != "ALONE" or $mode == "light")'
	for node in $(node_list); do
		host_run "$node" holdfast status --json 2>/dev/null |
		    jq -e --arg m "$1" --arg mode "$2" "$filter" \
		    >/dev/null || return 1
	done
}
