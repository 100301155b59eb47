#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The command alone: no daemon runs, everything is below HOLDFAST_ROOT.
# Needs neither root nor network.

load lib

setup() {
	T=$(mktemp -d)
	export HOLDFAST_ROOT=$T/root
	unset SAFEMODULE VIP DATA
	mkdir -p "$HOLDFAST_ROOT/etc/holdfast/modules"
	PATH=$top_builddir/bin/holdfast:$PATH
	conf=$top_srcdir/t/conf
}

teardown() {
	for f in "$T"/pid.*; do
		[ ! -e "$f" ] || kill "$(cat "$f")" || :
	done
	rm -rf "$T"
}

# with_cluster [farm|voters]: the two nodes of most tests, three for farms, or
# two and a witness
with_cluster() {
	cp "$conf${1:+/$1}/cluster.xml" "$HOLDFAST_ROOT/etc/holdfast/"
	holdfast config 2>/dev/null
}

# put MODULE FILE: a module with that userconfig.xml, as if installed
put() {
	local dir=$HOLDFAST_ROOT/etc/holdfast/modules/$1
	rm -rf "$dir"
	mkdir -p "$dir/conf" "$dir/bin"
	cp "$2" "$dir/conf/userconfig.xml"
	printf '#!/bin/sh\n' | tee "$dir/bin/prestart" >"$dir/bin/check_age"
	chmod +x "$dir/bin/prestart" "$dir/bin/check_age"
	echo 1 >"$dir/id"
}

active() { echo "$HOLDFAST_ROOT/var/lib/holdfast/$1/config/active"; }

# say_what_is_expected DIRECTORY
say_what_is_expected() {
	local xml rc
	for xml in "$1"/good-*.xml "$1"/bad-*.xml; do
		put x "$xml"
		rc=0
		holdfast config x --dry-run >"$T/out" 2>&1 || rc=$?
		sed -i 's,^[^ ]*userconfig.xml:,,' "$T/out"
		diff -u "${xml%.xml}.ok" "$T/out" || {
			echo "$xml"
			return 1
		}
		case $xml in
		*/good-*) [ "$rc" -eq 0 ] ;;
		*) [ "$rc" -eq 78 ] ;;
		esac || {
			echo "$xml: $rc"
			return 1
		}
		[ ! -e "$(active x)" ]
	done
}

@test "every example says exactly what is expected of it" {
	with_cluster
	say_what_is_expected "$conf"
	with_cluster farm
	say_what_is_expected "$conf/farm"
	with_cluster voters
	say_what_is_expected "$conf/voters"
}

@test "a generation is what the daemons accept" {
	with_cluster
	put shop "$conf/good-template.xml"
	holdfast config shop
	[ "$(readlink "$(active shop)")" = 1 ]
	[ -x "$(active shop)/bin/prestart" ]
	[ "$(cat "$(active shop)/roster")" = "mirrord
checkd
moduled" ]
	grep -q '/srv/books' "$(active shop)/safeconf.xml"
	grep -q '^tocheck = {"/srv/books/CURRENT"}' \
	    "$(active shop)/mirrord.conf"
	diff - <(sed -n '/^notreplicated/,/^}/p' \
	    "$(active shop)/mirrord.conf") <<-'EOF'
		notreplicated "/srv/books" {
		paths = {"scratch"}
		names = {".*\\.pid\x24"}
		}
	EOF
	for d in mirrord checkd moduled; do
		p=$top_builddir/bin/$d/$d
		[ -x "$p" ] || continue
		run "$p" -n -M shop
		[ "$status" -eq 0 ] || { echo "$d: $output"; false; }
	done
}

@test "voters are in the generation, and the daemons accept it" {
	with_cluster voters
	put shop "$conf/voters/good-list.xml"
	holdfast config shop
	f=$(active shop)/moduled.conf
	[ "$(grep -c '^voter "' "$f")" -eq 3 ]
	grep -q '^voter "w1"' "$f"
	run "$top_builddir/bin/moduled/moduled" -n -M shop
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	"$top_builddir/bin/heartd/heartd" -n
	# a change of who votes needs no stop
	cp "$conf/voters/good-none.xml" \
	    "$HOLDFAST_ROOT/etc/holdfast/modules/shop/conf/userconfig.xml"
	run holdfast config shop
	[[ $output == *"live    heart@voters"* ]]
	! grep -q '^voter' "$f"
}

@test "a generation of a farm is what the daemons accept" {
	with_cluster farm
	put web "$conf/farm/good-weights.xml"
	holdfast config web
	[ "$(cat "$(active web)/roster")" = "farmd
checkd
moduled" ]
	[ ! -e "$(active web)/mirrord.conf" ]
	f=$(active web)/farmd.conf
	# alike are resolve and dns: two tables, the first without a name
	[ "$(grep -c '^weights "' "$f")" -eq 2 ]
	[ "$(grep -c '^node "' "$f")" -eq 3 ]
	[ "$(grep -c '^rule' "$f")" -eq 4 ]
	grep -q '^timeout_ms = 1000' "$f"
	grep -q 'farm = true' "$(active web)/vipd.conf"
	for d in farmd checkd moduled; do
		p=$top_builddir/bin/$d/$d
		[ -x "$p" ] || continue
		run "$p" -n -M web
		[ "$status" -eq 0 ] || { echo "$d: $output"; false; }
	done
}

@test "nodes of a farm that differ in a script share on" {
	with_cluster farm
	put web "$conf/farm/good-firewall.xml"
	holdfast config web
	f=$(active web)/farmd.conf
	cp "$f" "$T/before"
	dir=$HOLDFAST_ROOT/etc/holdfast/modules/web
	echo 'exit 0' >>"$dir/bin/prestart"
	holdfast config web
	cmp "$f" "$T/before"
	# neither does a node more, as long as nothing names its share
	sed -i '0,\,</lan>,s,,<node name="delta" id="4" addr="198.51.100.4"/>&,' \
	    "$HOLDFAST_ROOT/etc/holdfast/cluster.xml"
	holdfast config
	holdfast config web
	cmp "$f" "$T/before"
	# but who takes what does
	sed -i 's/8000-8100/8000-8101/' "$dir/conf/userconfig.xml"
	run holdfast config web
	[[ $output == *"restart vip/loadbalancing_list/group#2/rule@port"* ]]
	[ "$(grep ^digest "$f")" != "$(grep ^digest "$T/before")" ]
}

@test "a farm of one node is a farm" {
	printf '%s\n' '<cluster name="one"><lans><lan name="office">' \
	    '<node name="alpha" addr="127.0.0.1"/></lan></lans></cluster>' \
	    >"$HOLDFAST_ROOT/etc/holdfast/cluster.xml"
	holdfast config
	put web "$conf/farm/good-scripts.xml"
	holdfast config web
	grep -q 'type = "vmac"' "$(active web)/farmd.conf"
	grep -q 'vmac = "5a:fe:00:00:00:61"' "$(active web)/farmd.conf"
	grep -q 'scriptcontrol = true' "$(active web)/moduled.conf"
	grep -q '^nodes = {"' "$(active web)/moduled.conf"
}

@test "an address is of one module" {
	with_cluster farm
	put web "$conf/farm/good-weights.xml"
	holdfast config web
	put shop "$conf/farm/good-firewall.xml"
	run holdfast config shop
	[ "$status" -eq 78 ]
	[[ $output == *"userconfig.xml:6: virtual_addr@addr: 198.51.100.60 is \
an address of module web; choose another"* ]]
	[ ! -e "$(active shop)" ]
	# a module is not in its own way
	holdfast config web
}

@test "the farm modules we ship want an address, and no more" {
	local m

	with_cluster farm
	for m in farm nginx_farm apache_farm dns_farm; do
		run holdfast module install "$top_srcdir/modules/$m" \
		    --set VIP=198.51.100.60
		[ "$status" -eq 0 ]
		holdfast config "$m"
		grep -q 'address "198.51.100.60"' "$(active $m)/farmd.conf"
		not grep -q 2001 "$(active $m)/farmd.conf"
		holdfast module remove "$m"
		run holdfast module install "$top_srcdir/modules/$m" \
		    --set VIP6=2001:db8::60 --set PORT=8053
		[ "$status" -eq 0 ]
		holdfast config "$m"
		grep -q 'address "2001:db8::60"' "$(active $m)/farmd.conf"
		grep -q 'low = 8053' "$(active $m)/farmd.conf"
		holdfast module remove "$m"
		run holdfast module install "$top_srcdir/modules/$m"
		[ "$status" -eq 0 ]
		run holdfast config "$m"
		[ "$status" -eq 78 ]
		[[ $output == *"fill macro VIP in"* ]]
		holdfast module remove "$m"
	done
}

@test "three generations are kept, and one can go back" {
	with_cluster
	put shop "$conf/good-template.xml"
	xml=$HOLDFAST_ROOT/etc/holdfast/modules/shop/conf/userconfig.xml
	for n in 3 4 5 6 7; do
		sed -i "s/maxloop=\"[0-9]*\"/maxloop=\"$n\"/" "$xml"
		holdfast config shop 2>/dev/null
	done
	[ "$(readlink "$(active shop)")" = 5 ]
	[ "$(ls "$(active shop)/.." | tr '\n' ' ')" = "3 4 5 active " ]
	run holdfast config shop --rollback
	[ "$status" -eq 0 ]
	[[ $output == *'live    service@maxloop was "7" is "6"'* ]]
	[ "$(readlink "$(active shop)")" = 4 ]
	grep -q 'maxloop = 6' "$(active shop)/moduled.conf"
}

@test "what changes live and what restarts is printed" {
	with_cluster
	put shop "$conf/good-template.xml"
	holdfast config shop
	xml=$HOLDFAST_ROOT/etc/holdfast/modules/shop/conf/userconfig.xml
	sed -i 's/<heart>/<heart timeout="3s">/; s/booksd/booksd, web/' "$xml"
	run holdfast config shop --dry-run
	[[ $output == *'restart heart@timeout'* ]]
	[[ $output == *'live    user/var@value was "booksd"'* ]]
	[ "$(readlink "$(active shop)")" = 1 ]
	echo 'exit 0' >>"$HOLDFAST_ROOT/etc/holdfast/modules/shop/bin/prestart"
	before=$(grep digest "$(active shop)/moduled.conf")
	holdfast config shop
	[ "$before" != "$(grep digest "$(active shop)/moduled.conf")" ]
}

@test "cluster init writes, compiles and refuses to overwrite" {
	run holdfast cluster init town lan1:a=127.0.0.1,b=198.51.100.2
	[ "$status" -eq 0 ]
	[ "$(stat -c %a "$HOLDFAST_ROOT/etc/holdfast/cluster.key")" = 600 ]
	grep -q 'self = "a"' \
	    "$HOLDFAST_ROOT/var/lib/holdfast/cluster/cluster.conf"
	run holdfast config
	[[ $output == *"1 lan; nothing changed" ]]
	# another key is a change: who holds it is restarted
	sed -i '1s/ .*/ 01234567/' "$HOLDFAST_ROOT/etc/holdfast/cluster.key"
	run holdfast config
	[[ $output == *"1 lan" ]]
	run holdfast cluster init town lan1:a=127.0.0.1,b=198.51.100.2
	[ "$status" -eq 73 ]
	rm "$HOLDFAST_ROOT/etc/holdfast/cluster.xml"
	run holdfast cluster init town lan1:a=198.51.100.1,b=198.51.100.2
	[ "$status" -eq 78 ]
	[[ $output == *"a 198.51.100.1, b 198.51.100.2"* ]]
	run holdfast cluster init town 'lan1:a'
	[ "$status" -eq 64 ]
}

@test "every verb tells its use" {
	local verb

	for verb in $(holdfast help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
		run holdfast "$verb" --help
		[ "$status" -eq 0 ]
		[[ $output == "usage: holdfast $verb "* ]]
	done
	[ -n "$verb" ]
}

@test "the commands of holdfast-topologies(7) make clusters" {
	local page=$top_srcdir/man/holdfast-topologies.7 line first n=0

	while read -r line; do
		# The first node is this one.
		first=$(grep -oE '[a-z]+=[0-9.]+' <<<"$line" | head -n 1)
		line=${line//${first#*=}/127.0.0.1}
		rm -rf "$HOLDFAST_ROOT/etc/holdfast" \
		    "$HOLDFAST_ROOT/var/lib/holdfast"
		mkdir -p "$HOLDFAST_ROOT/etc/holdfast"
		run $line
		echo "$line: $output"
		[ "$status" -eq 0 ]
		n=$((n + 1))
	done < <(sed 's/\\e$/\\/' "$page" |
	    sed -e ':a' -e '/\\$/N; s/\\\n *//; ta' |
	    grep '^holdfast cluster init')
	[ "$n" -eq 4 ]
}

@test "install, pack, list and remove" {
	cp -r "$top_srcdir/modules/mirror" "$T/shop"
	with_cluster
	run holdfast module install "$T/shop" --set VIP=127.0.0.50
	[ "$status" -eq 0 ]
	run holdfast module install "$T/shop" shop2 --set NOPE=1
	[ "$status" -eq 65 ]
	[ ! -e "$HOLDFAST_ROOT/etc/holdfast/modules/shop2" ]
	holdfast module install "$T/shop" shop3
	[ "$(cat "$HOLDFAST_ROOT/etc/holdfast/modules/shop3/id")" = 2 ]
	run holdfast module install "$T/shop" shop4 --id 2
	[ "$status" -eq 64 ]
	[[ $output == *"module shop3 has it"* ]]
	run holdfast config shop3
	[ "$status" -eq 78 ]
	[[ $output == *"fill macro VIP in"* ]]
	(cd "$T" && holdfast module pack shop)
	holdfast module remove shop
	holdfast module install "$T/shop.safe"
	[ -x "$HOLDFAST_ROOT/etc/holdfast/modules/shop/bin/start_prim" ]
	grep -q '127.0.0.50' \
	    "$HOLDFAST_ROOT/etc/holdfast/modules/shop/conf/userconfig.xml"
	holdfast config shop
	run holdfast module list
	[[ $output == *shop*"id 1"*"generation 1"*shop3*"not configured"* ]]
}

# synced_before TRACE MODULE: the script, its directory and the top of the
# module were synced before they were moved into place.
synced_before() {
	local at=$HOLDFAST_ROOT/etc/holdfast/modules/.$2.new f
	sed "/rename.*\.$2\.new\", /q" "$1" >"$T/before"
	for f in bin/prestart conf/userconfig.xml bin conf; do
		grep -q "fsync([0-9]*<$at/$f>) *= 0" "$T/before" ||
		    { echo "$2: $f"; cat "$1"; return 1; }
	done
	grep -q "fsync([0-9]*<$at>) *= 0" "$T/before"
}

@test "a module of an archive is on the disk before it is in place" {
	command -v strace >/dev/null || skip "no strace"
	with_cluster
	put shop "$conf/good-template.xml"
	cd "$T"
	holdfast module pack shop shop.safe
	strace -f -y -o "$T/trace" -e trace=fsync,rename,renameat,renameat2 \
	    holdfast module install shop.safe other
	synced_before "$T/trace" other
	strace -f -y -o "$T/trace" -e trace=fsync,rename,renameat,renameat2 \
	    holdfast module receive shop --id 1 <shop.safe
	synced_before "$T/trace" shop
}

@test "an archive that leaves its directory is refused, whole" {
	python3 - "$T" <<-'EOF' || skip "no python3 to make bad archives"
		import stat, sys, zipfile
		def make(name, entries):
		    with zipfile.ZipFile(f"{sys.argv[1]}/{name}.safe", "w") as z:
		        z.writestr("conf/userconfig.xml", "<safe/>")
		        for path, mode, data in entries:
		            i = zipfile.ZipInfo(path)
		            i.external_attr = mode << 16
		            i.create_system = 3
		            z.writestr(i, data)
		make("dots", [("bin/../../../evil", 0o100644, "x")])
		make("abs", [("/tmp/evil", 0o100644, "x")])
		make("link", [("bin/l", stat.S_IFLNK | 0o777, "/etc/passwd")])
		make("big", [("bin/zero", 0o100644, b"\0" * (70 << 20))])
		make("many", [(f"bin/f{i}", 0o100644, "") for i in range(2100)])
	EOF
	for f in dots abs link big many; do
		run holdfast module install "$T/$f.safe"
		[ "$status" -eq 65 ] || { echo "$f: $status $output"; false; }
		[ "$(ls -A "$HOLDFAST_ROOT/etc/holdfast/modules")" = "" ]
	done
	[ ! -e /tmp/evil ]
	head -c 100 "$T/dots.safe" >"$T/cut.safe"
	run holdfast module install "$T/cut.safe"
	[ "$status" -eq 65 ]
}

@test "without daemons every acting verb says what to start" {
	with_cluster
	put shop "$conf/good-template.xml"
	holdfast config shop
	for v in start stop restart stopstart swap prim why "status -q" \
	    "get shop state.local" "printi shop x" "incloop"; do
		# shellcheck disable=SC2086
		case $v in
		*' shop '*) run holdfast $v ;;
		*) run holdfast $v shop ;;
		esac
		[ "$status" -eq 69 ] || { echo "$v: $status $output"; false; }
		[[ $output == *"systemctl start holdfast"* ]]
	done
	run holdfast status
	[ "$status" -eq 69 ]
	[[ $output == *shop*STOP* ]]
	run holdfast -H '*' status
	[ "$status" -eq 69 ]
	[[ $output == *"systemctl start holdfast"* ]]
}

@test "status --json has the fields of schema 1" {
	command -v jq >/dev/null || skip "no jq"
	with_cluster
	put shop "$conf/good-template.xml"
	holdfast config shop
	mkdir -p "$HOLDFAST_ROOT/run/holdfast/shop"
	cat >"$HOLDFAST_ROOT/run/holdfast/shop/status" <<-'EOF'
		kind=module name=shop id=1 mode=mirror state=WAIT quality=NotReady since_s=5 epoch=0.7.1 lease=heartbeats-only
		kind=warning code=alone text="not redundant" command="holdfast start shop"
		kind=blocked code=stale text="beta has newer data"
		kind=missing text=beta
		kind=goon command="holdfast prim shop" cost="what beta wrote is lost"
		kind=node name=alpha state=WAIT quality=NotReady level=0 share="" since_s=5 self=1
		kind=resource name=intf.127.0.0.0 value=up
		kind=replication mode=none link=down level=0 epoch=0.7.1 dirty_bytes=4096 phase=none done_bytes=0 total_bytes=0 rate_bytes_s=0 eta_s=0
	EOF
	holdfast status --json >"$T/j" 2>/dev/null || :
	jq -e '.schema == 1 and .node == "alpha" and .cluster == "town"
	    and (.modules[0] | .name == "shop" and .state == "WAIT"
	    and .blocked.code == "stale" and .blocked.missing == ["beta"]
	    and .blocked.go_on[0].command == "holdfast prim shop"
	    and .nodes[0].level == false and .nodes[0].share == null
	    and .resources["intf.127.0.0.0"] == "up"
	    and .replication.dirty_bytes == 4096
	    and .replication.resync.phase == "none"
	    and .lease.mode == "heartbeats-only"
	    and .warnings[0].command == "holdfast start shop")' "$T/j"
	run holdfast status
	[[ $output == *"waits: beta has newer data [stale]"* ]]
	[[ $output == *"to go on: holdfast prim shop"* ]]
	[[ $output != *$'\033'* ]]
}

@test "grammar: options, modules, exit status" {
	run holdfast
	[ "$status" -eq 64 ]
	run holdfast frobnicate
	[ "$status" -eq 64 ]
	run holdfast start
	[ "$status" -eq 64 ]
	run holdfast start ../x
	[ "$status" -eq 64 ]
	run holdfast start x --colour
	[ "$status" -eq 64 ]
	run holdfast start x --timeout soon
	[ "$status" -eq 64 ]
	run holdfast prim x --yes y
	[ "$status" -eq 64 ]
	run holdfast wait x NOWHERE
	[ "$status" -eq 64 ]
	run holdfast status nosuch
	[ "$status" -eq 66 ]
	run holdfast -V
	[ "$status" -eq 0 ]
	run holdfast help
	[ "$status" -eq 0 ]
	for v in $(printf '%s\n' "${lines[@]}" |
	    sed -n 's/^  \([a-z]*\) .*/\1/p'); do
		run holdfast help "$v"
		[ "$status" -eq 0 ]
		grep -qE "^\.(It )?Cm .*\b$v\b" "$top_srcdir/man/holdfast.8" ||
		    { echo "$v is not in the page"; false; }
	done
	run holdfast help witness
	[[ $output == *"third voter"* ]]
}

@test "-H is taken out where it is the option, and nowhere else" {
	local dir=$HOLDFAST_ROOT/run/holdfast
	mkdir -p "$dir"
	printf '%s\n' '#!/bin/sh' 'echo holdfast remoted 1' 'read -r line' \
	    "echo \"\$line\" >>'$T/asked'" 'echo err unknown' >"$T/remoted"
	chmod +x "$T/remoted"
	socat "UNIX-LISTEN:$dir/remoted.sock,fork" "EXEC:$T/remoted" 3>&- &
	echo $! >"$T/pid.remoted"
	wait_until 5 '[ -S "$dir/remoted.sock" ]'
	holdfast set -H n2 -m shop -r a.b -v -H || :
	holdfast -H n2 set shop -- a.b -H || :
	cat "$T/asked"
	grep -q 'set.*-m.*shop.*-r.*a\.b.*-v.*-H' "$T/asked"
	grep -q 'set.*shop.*--.*a\.b.*-H' "$T/asked"
	[ "$(grep -o -- '-H' "$T/asked" | wc -l)" -eq 2 ]
}

@test "to show the keys waits for who changes them" {
	local dir=$HOLDFAST_ROOT/var/lib/holdfast/cluster
	holdfast cluster init town lan1:a=127.0.0.1,b=198.51.100.2
	mkdir -p "$dir"
	run flock "$dir/lock" timeout 1 holdfast cluster key show
	[ "$status" -eq 124 ]
	run holdfast cluster key show
	[ "$status" -eq 0 ]
	[[ $output == use=* ]]
}

@test "a cluster.xml that no frame holds costs no token" {
	local xml=$HOLDFAST_ROOT/etc/holdfast/cluster.xml token
	holdfast cluster init town lan1:a=127.0.0.1,b=198.51.100.2
	token=$(holdfast cluster invite)
	cp "$xml" "$T/small"
	printf '<!-- %060000d -->\n' 0 >>"$xml"
	for i in 1 2; do
		run holdfast cluster admit "${token%%-*}" <<-EOF
			join name=c machine=""
			have addr=127.0.0.9 prefix=8
		EOF
		echo "$output"
		[ "$status" -eq 77 ]
		[[ $output == *"larger than 60000 bytes"* ]]
	done
	cp "$T/small" "$xml"
	run holdfast cluster admit "${token%%-*}" <<-EOF
		join name=c machine=""
		have addr=127.0.0.9 prefix=8
	EOF
	grep -q 'name="c"' "$xml"
}

# fake MODULE DAEMON ANSWER-FILE: answers every request with the file, and
# notes what was asked
fake() {
	local sock=$HOLDFAST_ROOT/run/holdfast/$1/$2.sock
	mkdir -p "${sock%/*}"
	printf '%s\n' '#!/bin/sh' "echo holdfast $2 1" 'read -r line' \
	    "echo \"$2 \$line\" >>'$T/asked'" "cat '$3'" >"$T/fake.$2"
	chmod +x "$T/fake.$2"
	socat "UNIX-LISTEN:$sock,fork" "EXEC:$T/fake.$2" 3>&- &
	echo $! >"$T/pid.$2"
	wait_until 5 '[ -S "'"$sock"'" ]'
}

@test "farm shows the shares and says what moduled is to do" {
	with_cluster farm
	put web "$conf/farm/good-weights.xml"
	holdfast config web
	run holdfast farm web
	[ "$status" -eq 69 ]
	[[ $output == *"holdfastd is not running"* ]]
	printf '%s\n' 'farm=web backend=bpf delivery=director epoch=3' \
	    'node=alpha self=1 net=up serve=drain state=UP draining=4'" \
quality=Ready" 'node=alpha group=web buckets=0 percent=0.0' \
	    'code=farm-outcast text="beta is not heard"' ok >"$T/farmd"
	printf '%s\n' 'warning code=farm-drain text="by order"' \
	    'warning code=farm-ends text=x command="holdfast farm x"' ok >"$T/moduled"
	fake web farmd "$T/farmd"
	fake web moduled "$T/moduled"
	run holdfast farm web
	[ "$status" -eq 0 ]
	[[ $output == *"alpha *          UP      Ready      drains "* ]]
	[[ $output == *"warning: by order [farm-drain]"* ]]
	[[ $output == *"ends with: holdfast -H '*' check web"* ]]
	holdfast farm web --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["schema"] == 1 and d["nodes"][0]["shares"][0]["percent"] == 0
assert [w["code"] for w in d["warnings"]] == ["farm-drain", "farm-ends",
    "farm-outcast"]'
	: >"$T/asked"
	run holdfast farm web drain alpha --why 'new disk'
	[ "$status" -eq 0 ]
	[[ $output == *"takes no new connection; 4 of those"* ]]
	grep -q 'moduled drain off=0 who=[^ ]* why="new disk"' "$T/asked"
	run holdfast farm web drain delta
	[ "$status" -eq 64 ]
	run holdfast farm web drain --off --no-wait
	[ "$status" -eq 0 ]
	grep -q 'moduled drain off=1' "$T/asked"
	run env HOLDFAST_ROLE=monitor holdfast farm web drain
	[ "$status" -eq 77 ]
	run env HOLDFAST_ROLE=monitor holdfast farm web
	[ "$status" -eq 0 ]
	run holdfast farm web frob
	[ "$status" -eq 64 ]
	# a share that does not go is no success
	sed -i 's/buckets=0/buckets=9/' "$T/farmd"
	run holdfast farm web drain --timeout 0.2
	[ "$status" -eq 75 ]
	put shop "$conf/farm/good-scripts.xml"
	run holdfast farm shop
	[ "$status" -eq 66 ]
	[[ $output == *"holdfast config shop"* ]]
}

@test "scripts open and close a farm, also in the words of the reference" {
	with_cluster farm
	put web "$conf/farm/good-weights.xml"
	holdfast config web
	ln -s "$top_builddir/bin/holdfast/holdfast" "$T/safekit"
	echo ok >"$T/moduled"
	printf '%s\n' 'node=alpha self=1 net=up group=web buckets=7 percent=1' \
	    ok >"$T/farmd"
	fake web moduled "$T/moduled"
	fake web farmd "$T/farmd"
	export SAFEMODULE=web
	holdfast farm web open
	"$T/safekit" farm close
	"$T/safekit" -r saferpc_send vipd SETGROUPS all all all
	"$T/safekit" -r saferpc_send vipd SETGROUPS none none none
	[ "$(sed -n 's/moduled traffic open=\([01]\).*/\1/p' "$T/asked" |
	    paste -sd' ')" = "1 0 1 0" ]
	run "$T/safekit" -r saferpc_send vipd SETGROUPS all none all
	[ "$status" -eq 64 ]
	run "$T/safekit" -r saferpc_send vipd RELOAD
	[ "$status" -eq 69 ]
	diff <(holdfast farm web) <("$T/safekit" -r vip_if_ctrl -l)
	unset SAFEMODULE
	diff <(holdfast farm web) <("$T/safekit" -r vip_if_ctrl -l)
	run "$T/safekit" -r saferpc_send vipd SETGROUPS all all all
	[ "$status" -eq 64 ]
}

@test "called as safekit" {
	ln -s "$(command -v holdfast)" "$T/safekit"
	ln -s "$(command -v holdfast)" "$T/xpathGet"
	ln -s "$(command -v holdfast)" "$T/boundcmd"
	run "$T/safekit" -p
	[[ $output == *SAFEBIN=* ]]
	export SAFEMODULE=shop
	run "$T/safekit" processtree list
	[ "$status" -eq 69 ]
	[[ $output == *'verb "processtree" is not known'* ]]
	run "$T/safekit" errd enable x
	[ "$status" -eq 69 ]
	[[ $output == *"systemctl start holdfast"* ]]
	run "$T/safekit" errd sideways x
	[ "$status" -eq 64 ]
	run "$T/safekit" printe "a message"
	[ "$status" -eq 69 ]
	[[ $output == *"systemctl start holdfast"* ]]
	run "$T/xpathGet" "//user/var[@name='SERVICES']/@value" \
	    "$conf/good-template.xml"
	[ "$output" = "%SERVICES%" ]
	run "$T/xpathGet" "//nothing" "$conf/good-template.xml"
	[ "$status" -eq 1 ]
	run "$T/boundcmd" 5 sh -c 'exit 7'
	[ "$status" -eq 7 ]
	run "$T/boundcmd" 1 sh -c 'sleep 30'
	[ "$status" -eq 2 ]
}

@test "log shows the last lines, information with -A" {
	mkdir -p "$HOLDFAST_ROOT/var/log/holdfast"
	for i in 1 2 3; do
		echo "2026-11-22T21:30:0$i.000 | E | moduled | event $i"
		echo "2026-11-22T21:30:0$i.500 | I | moduled | detail $i"
	done >"$HOLDFAST_ROOT/var/log/holdfast/shop.events"
	run holdfast log shop -s 2
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} == *"event 3" ]]
	run holdfast log shop -A
	[ "${#lines[@]}" -eq 6 ]
}

@test "check names what is wrong and fails" {
	with_cluster
	put shop "$conf/good-template.xml"
	holdfast config shop
	run holdfast check
	[ "$status" -eq 78 ]
	[[ $output == *"ERROR    lan cross: own address 192.0.2.11"* ]]
	[[ $output == *"ERROR    "*"cluster.key: cannot be read"* ]]
	[[ $output == *"ERROR    /srv/books: "* ]]
	[[ $output != *"was edited"* ]]
	sed -i 's/maxloop="3"/maxloop="9"/' \
	    "$HOLDFAST_ROOT/etc/holdfast/modules/shop/conf/userconfig.xml"
	run holdfast check shop
	[[ $output == *"WARNING  shop: userconfig.xml was edited"* ]]
}

@test "a third node, for a farm, leaves a mirror as it is" {
	with_cluster voters
	put shop "$conf/voters/good-list.xml"
	holdfast config shop
	for lan in 198.51.100.3 192.0.2.13; do
		sed -i "0,/    <.lan>/s,    </lan>,<node name=\"gamma\" id=\"3\" addr=\"$lan\"/></lan >," \
		    "$HOLDFAST_ROOT/etc/holdfast/cluster.xml"
	done
	run holdfast config
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	[[ $output == *"3 nodes"* ]]
	[[ $output == *"shop does not go with this cluster.xml and keeps the "* ]]
	grep -q '^voter "w1"' "$(active shop)/moduled.conf"
}

# with_fencing OPTIONS: of beta's device; alpha is this node.
with_fencing() {
	with_cluster
	sed -i "s,</cluster>,<fencing><device node='alpha' agent='$T/fence-fake.bash'\
	    options='ip=$T/dev'/><device node='beta' agent='$T/fence-fake.bash'\
	    options='ip=$T/dev $1'/></fencing>&," \
	    "$HOLDFAST_ROOT/etc/holdfast/cluster.xml"
	cp "$top_srcdir"/t/files/fence-{fake,device}.bash "$T"
	mkdir -p "$T/dev"
	echo hunter2 >"$T/dev/password"
	echo on >"$T/dev/power.beta"
	printf '#!/bin/sh\necho hunter2\n' >"$T/secret"
	chmod 755 "$T/secret"
	holdfast config
}

@test "a password in cluster.xml is refused, and not quoted" {
	run with_fencing password=hunter2
	[ "$status" -eq 78 ]
	[[ $output == *password_script=* ]]
	[[ $output != *hunter2* ]]
	run holdfast cluster fence test
	[ "$status" -eq 78 ]
	[[ $output == *"no <fencing>"* ]]
}

@test "cluster fence test asks the device as moduled would" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	with_fencing "username=ops password_script=$T/secret"
	run holdfast cluster fence test
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	[[ $output == "beta: its device says on after "* ]]
	grep -q "here status beta ops" "$T/dev/told"
	run holdfast cluster fence list
	[[ $output == *"beta "*"ip=$T/dev username=ops"* ]]
	echo off >"$T/dev/power.beta"
	holdfast cluster fence test beta | grep -q "says off"
	echo leak >"$T/dev/mode.beta"
	run holdfast cluster fence test beta
	[ "$status" -eq 69 ]
	[[ $output == *"login ops with "*" went wrong"* ]]
	[[ $output != *hunter2* ]]
	[[ $output == *"cannot be fenced from here"* ]]
	run holdfast cluster fence test alpha --power
	[ "$status" -eq 64 ]
	run holdfast cluster fence test gamma
	[ "$status" -eq 64 ]
	rm "$T/dev/mode.beta"
	echo on >"$T/dev/power.beta"
	run holdfast cluster fence test beta --power </dev/null
	[ "$status" -eq 79 ]
	[[ $output == *"--yes beta' does it"* ]]
	not grep -q " off " "$T/dev/told"
	run holdfast cluster fence test beta --power --yes beta
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	[ "$(cat "$T/dev/power.beta")" = on ]
	[ "$(awk '{ printf "%s ", $3 }' "$T/dev/told")" = \
	    "status status status status status off status on status " ]
}

@test "a snapshot has no password of a fencing device" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	local pwd=$HOLDFAST_ROOT/etc/holdfast/fence-beta
	with_fencing "username=ops password_script=$pwd"
	cp "$T/secret" "$pwd"
	chmod 700 "$pwd"
	holdfast check >/dev/null || :
	holdfast snapshot "$T/s.tar.gz" >/dev/null
	mkdir "$T/s"
	tar -xzf "$T/s.tar.gz" -C "$T/s"
	grep -rq "not taken" "$T"/s/*/etc/fence-beta
	not grep -rq hunter2 "$T/s"
}

@test "check asks the fencing device, and says who may read its password" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	with_fencing "username=ops password_script=$T/secret"
	run holdfast check
	[[ $output == *"WARNING  $T/secret: others may read this password"* ]]
	[[ $output == *"ok       fencing beta: its device answers in "* ]]
	[[ $output != *"third voter"* ]]
	chmod 777 "$T/secret"
	run holdfast check
	[[ $output == *"ERROR    $T/secret: is run by root, and others may "* ]]
	chmod 600 "$T/secret"
	run holdfast check
	[[ $output == *"ERROR    $T/secret: "*"is no program"* ]]
	chmod 700 "$T/secret"
	echo another >"$T/dev/password"
	run holdfast check
	[[ $output == *"ERROR    fencing beta: "*"Login failed; without it "* ]]
	rm "$T/fence-fake.bash"
	run holdfast check
	[[ $output == *"ERROR    $T/fence-fake.bash: "*"No such file"* ]]
}

# Needs a network of its own: the votes have one port.
@test "check asks the voters, and says what is wrong with them" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	with_cluster voters
	put shop "$conf/voters/good-list.xml"
	holdfast config shop
	run holdfast check
	[[ $output == *"ERROR    "*"witness/w1.key: the key of the witness is "* ]]
	mkdir -m 700 "$HOLDFAST_ROOT/etc/holdfast/witness"
	printf '%s\n%s\n' 'holdfast-key 01234567' "$(head -c 32 /dev/zero |
	    base64)" >"$HOLDFAST_ROOT/etc/holdfast/witness/w1.key"
	run unshare -n holdfast check
	[[ $output == *"w1.key: must belong to root and have mode 0600"* ]]
	chmod 600 "$HOLDFAST_ROOT/etc/holdfast/witness/w1.key"
	run unshare -n holdfast check
	[[ $output == *"WARNING  w1: the voter is silent: one more, and "* ]]
	[[ $output != *"third voter"* ]]
	# one network of two, and an even number
	sed -i 's/,10.88.2.211//' "$HOLDFAST_ROOT/etc/holdfast/cluster.xml"
	sed -i 's,  </voters>,<witness name="w2" addr="10.88.1.212"/>&,' \
	    "$HOLDFAST_ROOT/etc/holdfast/cluster.xml"
	holdfast config
	run unshare -n holdfast check
	[[ $output == *"WARNING  w1: is reached by one network of 2"* ]]
	[[ $output == *"WARNING  cluster: 2 witnesses and two nodes are"* ]]
	sed -i '/w1/d; s|<witness .*/>|<etcd endpoints="https://127.0.0.1:2379,https://e2:2379" ca="/no/ca"/>|' \
	    "$HOLDFAST_ROOT/etc/holdfast/cluster.xml"
	holdfast config 2>/dev/null
	run holdfast check
	[[ $output == *"ERROR    /no/ca: cluster.xml names it for etcd"* ]]
	[[ $output == *"127.0.0.1:2379: is on node alpha and dies with it"* ]]
	[[ $output == *"WARNING  etcd: 2 endpoints"* ]]
}

@test "schema and manual tables come from the tables" {
	holdfast --tables userconfig.rng >"$T/u.rng"
	holdfast --tables cluster.rng >"$T/c.rng"
	diff "$T/u.rng" "$top_srcdir/etc/userconfig.rng"
	diff "$T/c.rng" "$top_srcdir/etc/cluster.rng"
	for f in userconfig cluster; do
		holdfast --tables "$f.mdoc" >"$T/$f"
		sed -n '/^\.\\" begin table/,/^\.\\" end table/p' \
		    "$top_srcdir/man/$f.xml.5" | sed '1d;$d' >"$T/$f.page"
		diff "$T/$f" "$T/$f.page"
	done
	command -v xmllint >/dev/null || skip "no xmllint"
	xmllint --noout --relaxng "$T/u.rng" "$conf/good-template.xml"
	xmllint --noout --relaxng "$T/c.rng" "$conf/cluster.xml"
	xmllint --noout --relaxng "$T/u.rng" "$conf/farm/good-weights.xml"
	! xmllint --noout --relaxng "$T/u.rng" "$conf/bad-values.xml"
}

@test "a verb needs the same role here and in moduled" {
	local verb role n=0
	while read -r verb role; do
		holdfast help "$verb" >"$T/help" 2>/dev/null || continue
		grep -q "least role: $role\$" "$T/help" || {
			echo "$verb: $role in moduled"
			cat "$T/help"
			return 1
		}
		n=$((n + 1))
	done < <(sed -n 's/^\t{ "\([a-z]*\)",\tROLE_\([A-Z]*\),.*/\1 \L\2/p' \
	    "$top_srcdir/bin/moduled/verbs.c")
	[ "$n" -ge 15 ]
}
