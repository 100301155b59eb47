#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What etc/ installs: the sysvinit script with fake daemons, the unit, the
# sample configuration.

load lib

service() {
	sh "$TOP/etc/init.d/holdfast" "$@" 3>&-
}

supervisor() {
	pgrep -P "$(cat "$RUN/init.pid")" -x holdfastd
}

daemon() {
	sed -n "s/^process name=$1 .*pid=\([0-9]*\) .*/\1/p" \
	    "$RUN/holdfastd.state"
}

setup() {
	TOP=$(realpath "${top_builddir:-.}")
	SRC=$(realpath "${top_srcdir:-.}")
	HOLDFAST_ROOT=$(mktemp -d /tmp/hf-etc.XXXXXX)
	export HOLDFAST_ROOT
	RUN=$HOLDFAST_ROOT/run/holdfast
	LIB=$HOLDFAST_ROOT/usr/lib/holdfast
	mkdir -p "$LIB" "$HOLDFAST_ROOT/var/lib/holdfast"
	ln -s "$TOP/bin/holdfastd/holdfastd" "$LIB/holdfastd"
	ln -s "$TOP/bin/keepd/keepd" "$LIB/keepd"
	mkdir -p "$HOLDFAST_ROOT/usr/sbin"
	ln -s "$TOP/bin/holdfast/holdfast" "$HOLDFAST_ROOT/usr/sbin/holdfast"
	printf '#!/bin/sh\n' >"$LIB/guard"
	printf '#!/bin/sh\necho >&3\nexec sleep 600 3>&-\n' >"$LIB/heartd"
	chmod +x "$LIB/heartd" "$LIB/guard"
	cp "$LIB/heartd" "$LIB/vipd"
	cp "$LIB/heartd" "$LIB/witnessd"
	cp "$LIB/heartd" "$LIB/remoted"
	cp "$LIB/heartd" "$LIB/consoled"
	cp "$LIB/heartd" "$LIB/alertd"
}

teardown() {
	local pid parent
	# Of a witness: the keeper first, which would start it again.
	parent=$(cat "$RUN/witness-init.pid" 2>/dev/null) || parent=
	if [ -n "$parent" ]; then
		pid=$(pgrep -P "$parent" -x witnessd) || pid=
		# shellcheck disable=SC2086 # one, or none
		kill -KILL "$parent" $pid 2>/dev/null || true
	fi
	[ -z "${NS-}" ] || ip netns del "$NS"
	for pid in $(cat "$RUN/init.pid" 2>/dev/null) $(supervisor 2>/dev/null) \
	    $(daemon '[a-z]*' 2>/dev/null); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	wait_until 5 'rm -rf "$HOLDFAST_ROOT" 2>/dev/null'
}

@test "guard covers what is replicated, but not what is run by hand" {
	local m state bin=$HOLDFAST_ROOT/bin

	mkdir -p "$bin" "$LIB/bin"
	ln -s "$TOP/bin/holdfast/holdfast" "$LIB/bin/xpathGet"
	printf '#!/bin/sh\nexit 1\n' >"$bin/findmnt"
	printf '#!/bin/sh\necho "$*" >>"%s"\n' "$HOLDFAST_ROOT/mounts" \
	    >"$bin/mount"
	chmod +x "$bin/mount" "$bin/findmnt"
	for m in shop byhand rescued back; do
		state=$HOLDFAST_ROOT/var/lib/holdfast/$m
		mkdir -p "$state/config/active" "$HOLDFAST_ROOT/srv/$m"
		echo "<safe><service><rfs><replicated dir=\"/srv/$m\"/></rfs>" \
		    "</service></safe>" >"$state/config/active/safeconf.xml"
		echo 'wish state=start loops=0' >"$state/wish"
	done
	state=$HOLDFAST_ROOT/var/lib/holdfast
	echo 'wish state=start released_n=1 released_node=n1 released_until=99' \
	    >"$state/byhand/wish"
	echo 'wish state=start released_n=2 released_node=n1 released_until=0' \
	    >"$state/back/wish"
	echo 'release at=1' >"$state/rescued/release"
	PATH=$bin:$PATH sh "$SRC/etc/guard"
	grep -q "^--bind $HOLDFAST_ROOT/srv/shop " "$HOLDFAST_ROOT/mounts"
	grep -q "^--bind $HOLDFAST_ROOT/srv/back " "$HOLDFAST_ROOT/mounts"
	not grep -q -e byhand -e rescued "$HOLDFAST_ROOT/mounts"
}

@test "sysvinit: start, status, reload, stop" {
	grep -q "$(realpath -m "/usr/lib/holdfast")" \
	    "$TOP/etc/init.d/holdfast" || skip "another prefix"
	run service status
	[ "$status" = 3 ]
	service start
	service start
	[ "$(supervisor | wc -l)" = 1 ]
	service status
	wait_until 5 '[ -n "$(daemon vipd)" ]'
	service reload
	vipd=$(daemon vipd)
	service stop
	not kill -0 "$vipd"
	run service status
	[ "$status" = 3 ]
	service stop
}

@test "sysvinit: a killed holdfastd is back and adopts" {
	grep -q /usr/lib/holdfast "$TOP/etc/init.d/holdfast" ||
	    skip "another prefix"
	service start
	wait_until 5 '[ -n "$(daemon vipd)" ]'
	old=$(supervisor)
	vipd=$(daemon vipd)
	kill -KILL "$old"
	wait_until 5 '[ -n "$(supervisor)" ] && [ "$(supervisor)" != "$old" ]'
	[ "$(daemon vipd)" = "$vipd" ]
	# New programs: a new holdfastd, and whoever else is another one now.
	old=$(supervisor)
	keepd=$(daemon keepd)
	cp "$TOP/bin/holdfastd/holdfastd" "$LIB/new" && mv "$LIB/new" "$LIB/holdfastd"
	service upgrade
	[ "$(supervisor)" != "$old" ]
	[ "$(daemon keepd)" = "$keepd" ]
	kill -0 "$keepd"
}

# In a network of its own: the port is as it is everywhere.
@test "sysvinit: a witness starts, is started again, stops; not on a node" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	script=$TOP/etc/init.d/holdfast-witness
	grep -q /usr/lib/holdfast "$script" || skip "another prefix"
	ln -sf "$TOP/bin/witnessd/witnessd" "$LIB/witnessd"
	mkdir -p "$HOLDFAST_ROOT/etc/holdfast"
	NS=hw$$
	ip netns add "$NS"
	witness() { ip netns exec "$NS" sh "$script" "$@" 3>&-; }
	voter() {
		pgrep -P "$(cat "$RUN/witness-init.pid" 2>/dev/null)" -x witnessd
	}
	run witness status
	[ "$status" = 3 ]
	witness start
	witness start
	old=$(voter)
	kill -KILL "$old"
	wait_until 5 '[ -n "$(voter)" ] && [ "$(voter)" != "$old" ]'
	witness reload
	witness status
	witness restart
	new=$(voter)
	witness stop
	not kill -0 "$new"
	run witness status
	[ "$status" = 3 ]
	touch "$HOLDFAST_ROOT/etc/holdfast/cluster.xml"
	witness start
	[ ! -e "$RUN/witness-init.pid" ]
}

@test "sysvinit: another word is a usage error" {
	run service frobnicate
	[ "$status" = 3 ]
	[[ "$output" = *usage:* ]]
}

# Two directories of one module, the second with a blank in its name.
@test "guard: covers what is replicated, once, unless daemons run" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	grep -q /usr/lib/holdfast "$TOP/etc/init.d/holdfast" ||
	    skip "another prefix"
	active=$HOLDFAST_ROOT/var/lib/holdfast/web/config/active
	mkdir -p "$active" "$LIB/bin" "$HOLDFAST_ROOT/srv/a" \
	    "$HOLDFAST_ROOT/srv/b c" "$RUN"
	ln -s "$TOP/bin/holdfast/holdfast" "$LIB/bin/xpathGet"
	cat >"$active/safeconf.xml" <<-'END'
	<safe><service><rfs><replicated dir="/srv/a"/>
	<replicated dir="/srv/b c"/><replicated dir="/srv/none"/>
	</rfs></service></safe>
	END
	run unshare -m --propagation private sh -ec '
		cd "$1/srv"
		sh "$2"
		sh "$2"
		if touch a/x || touch "b c/x"; then
			exit 9
		fi
		[ "$(grep -c "$1/srv/" /proc/self/mountinfo)" = 2 ]
		umount "$1/srv/a"
		umount "$1/srv/b c"
		touch "$1/run/holdfast/holdfastd.state"
		sh "$2"
		touch a/x "b c/x"' sh "$HOLDFAST_ROOT" "$SRC/etc/guard"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"/srv/b c: read-only until"* ]]
}

@test "etc: the sample configurations have the defaults" {
	local file daemon
	for file in "$SRC"/etc/examples/*.conf; do
		daemon=$(basename "$file" .conf)
		daemon=$TOP/bin/$daemon/$daemon
		"$daemon" -n -f "$file"
		[ "$("$daemon" -p -f "$file")" = "$("$daemon" -p)" ]
	done
	# Each daemon of the node that has options has a sample.
	for file in "$TOP"/bin/*d/main.c; do
		daemon=$(basename "$(dirname "$file")")
		[ -e "$SRC/man/$daemon.conf.5" ] || continue
		grep -q 'Pa /etc/holdfast/'"$daemon.conf" \
		    "$SRC/man/$daemon.conf.5" || continue
		[ -e "$SRC/etc/examples/$daemon.conf" ]
	done
}

# In a network of its own, where this node has the sample's addresses.
@test "etc: the sample cluster passes check" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	mkdir -p "$HOLDFAST_ROOT/etc/holdfast"
	cp "$SRC"/etc/examples/*.conf "$SRC/etc/examples/cluster.xml" \
	    "$HOLDFAST_ROOT/etc/holdfast/"
	run unshare -n sh -ec 'ip link set lo up
		ip addr add 10.0.0.1/24 dev lo; ip addr add 10.0.1.1/24 dev lo
		mv "$1/etc/holdfast/cluster.xml" "$1/cluster.xml"
		"$2" cluster init office lan1:n1=10.0.0.1,n2=10.0.0.2 \
		    lan2:n1=10.0.1.1,n2=10.0.1.2
		grep -v "^digest" "$1$3" >"$1/init"
		mv "$1/cluster.xml" "$1/etc/holdfast/cluster.xml"
		"$2" config
		grep -v "^digest" "$1$3" | diff "$1/init" -
		"$2" check' sh "$HOLDFAST_ROOT" "$TOP/bin/holdfast/holdfast" \
	    /var/lib/holdfast/cluster/cluster.conf
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"this node is n1; 2 nodes, 2 lans"* ]]
	[[ $output != *ERROR* ]]
}

@test "etc: firewalld has the ports that the command names" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	xml=$SRC/etc/holdfast.firewalld
	mkdir -p "$HOLDFAST_ROOT/etc/holdfast/modules/web/conf"
	echo 64 >"$HOLDFAST_ROOT/etc/holdfast/modules/web/id"
	cp "$SRC/modules/mirror/conf/userconfig.xml" \
	    "$HOLDFAST_ROOT/etc/holdfast/modules/web/conf/"
	run unshare -n sh -ec 'ip link set lo up
		"$1" cluster init office lan1:n1=127.0.0.1,n2=10.0.0.2
		"$1" cluster ports' sh "$TOP/bin/holdfast/holdfast"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output = *"5852/tcp"* ]]
	for port in $(grep -oE '^[0-9]+/(tcp|udp)' <<<"$output"); do
		protocol=${port#*/} port=${port%/*}
		if [ "$port" -ge 5600 ] && [ "$port" -le 5855 ]; then
			port=5600-5855
		fi
		grep -q "protocol=\"$protocol\" port=\"$port\"" "$xml"
	done
}

@test "etc: the cron sample prints only what is not well" {
	command=$(sed -n 's/^\*.* root //p' "$SRC/etc/examples/holdfast.cron")
	mkdir "$HOLDFAST_ROOT/path"
	printf '#!/bin/sh\necho "HOLDFAST $1"; exit $WELL\n' \
	    >"$HOLDFAST_ROOT/path/check_holdfast"
	chmod +x "$HOLDFAST_ROOT/path/check_holdfast"
	PATH=$HOLDFAST_ROOT/path:$PATH
	[ -z "$(WELL=0 sh -c "$command")" ]
	[ "$(WELL=2 sh -c "$command")" = "HOLDFAST " ]
}

@test "etc: logrotate takes nothing from a log that is held open" {
	command -v logrotate >/dev/null || skip "needs logrotate"
	log=$HOLDFAST_ROOT/var/log/holdfast
	mkdir -p "$log"
	sed "s|/var/log/holdfast|$log|" "$TOP/etc/holdfast.logrotate" \
	    >"$HOLDFAST_ROOT/rotate"
	exec 7>>"$log/web.log"
	echo one >&7
	echo event >"$log/web.events"
	logrotate -f -s "$HOLDFAST_ROOT/state" "$HOLDFAST_ROOT/rotate"
	echo two >&7
	exec 7>&-
	[ "$(cat "$log/web.log.1")" = one ]
	[ "$(cat "$log/web.log")" = two ]
	[ "$(cat "$log/web.events.1")" = event ]
	[ ! -e "$log/web.events" ]
}

# complete WORD...: the candidates for the last word.
complete_words() {
	HOLDFAST="$TOP/bin/holdfast/holdfast" "$SRC/etc/completion/complete" \
	    $(($# - 1)) "$@"
}

@test "completion: every verb, its options, its words, modules, nodes" {
	mkdir -p "$HOLDFAST_ROOT"/etc/holdfast/modules/{web,shop}/conf
	cp "$SRC/etc/examples/cluster.xml" "$HOLDFAST_ROOT/etc/holdfast/"
	[ "$(complete_words holdfast '' | sort)" = "$(sed -n '/verbs\[\]/,/NULL/s/^	{ "\([a-z]*\)",.*/\1/p' \
	    "$SRC/bin/holdfast/main.c" | sort)" ]
	for verb in $(complete_words holdfast ''); do
		for option in $(complete_words holdfast "$verb" -); do
			case $option in
			-*)	;;
			*)	false ;;
			esac
		done
	done
	complete_words holdfast stop --n | grep -qx -e --no-wait
	not grep -qx -e --no-wait <(complete_words holdfast status --n)
	[ "$(complete_words holdfast stop '' | paste -sd' ')" = "shop web" ]
	[ "$(complete_words holdfast -m '' | paste -sd' ')" = "shop web" ]
	[ "$(complete_words holdfast -H '' | paste -sd' ')" = "n1 n2" ]
	complete_words holdfast --why 'a word' wait web '' | grep -qx SECOND
	complete_words holdfast module '' | grep -qx install
	complete_words holdfast cluster witness '' | grep -qx replace
	complete_words holdfast second web '' | grep -qx fullsync
	[ "$(complete_words holdfast farm web drain "" | paste -sd" ")" = "n1 n2" ]
}

@test "completion: bash and zsh ask it" {
	grep -q /usr/lib/holdfast "$TOP/etc/init.d/holdfast" ||
	    skip "another prefix"
	sed "s|/usr/lib/holdfast|$SRC/etc/completion|" \
	    "$TOP/etc/completion/holdfast.bash" >"$HOLDFAST_ROOT/bash"
	HOLDFAST="$TOP/bin/holdfast/holdfast" run bash --norc -c '. "$1"
		COMP_WORDS=(holdfast sta) COMP_CWORD=1
		_holdfast
		echo "${COMPREPLY[@]}"' bash "$HOLDFAST_ROOT/bash"
	[ "$output" = "status state start" ]
	command -v zsh >/dev/null || skip "needs zsh"
	sed "s|/usr/lib/holdfast|$SRC/etc/completion|" \
	    "$TOP/etc/completion/holdfast.zsh" >"$HOLDFAST_ROOT/_holdfast"
	HOLDFAST="$TOP/bin/holdfast/holdfast" run zsh -f -c '
		compadd() { shift; print -l -- "$@" }
		words=(holdfast sta) CURRENT=2
		. "$1"' zsh "$HOLDFAST_ROOT/_holdfast"
	[[ $output = *status*stopstart* ]]
}

@test "etc: the page quotes the defaults" {
	for option in ready_timeout_ms kill_timeout_ms stop_timeout_s; do
		value=$("$LIB/holdfastd" -p | sed -n "s/^$option *= *//p")
		grep -qx "\.It Ic $option No = Ar $value" \
		    "$SRC/man/holdfastd.8"
	done
}

@test "etc: systemd waits longer than holdfastd" {
	grep -qx 'KillMode=process' "$TOP/etc/holdfast.service"
	grep -qx 'Delegate=yes' "$TOP/etc/holdfast.service"
	limit=$("$LIB/holdfastd" -p | sed -n 's/^stop_timeout_s *= *//p')
	minutes=$(sed -n 's/^TimeoutStopSec=\([0-9]*\)min$/\1/p' \
	    "$TOP/etc/holdfast.service")
	[ $((minutes * 60)) -gt "$limit" ]
	not grep -q '@[a-z]*@' "$TOP/etc/holdfast.service" \
	    "$TOP/etc/holdfast.logrotate" "$TOP/etc/holdfast.tmpfiles" \
	    "$TOP/etc/init.d/holdfast"
	command -v systemd-analyze >/dev/null || return 0
	[ -x /usr/lib/holdfast/holdfastd ] || return 0
	systemd-analyze verify "$TOP/etc/holdfast.service"
}
