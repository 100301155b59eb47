#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# The modules mariadb and systemd, and modules made by `holdfast module new',
# with real units under systemd.
# shellcheck disable=SC2016 # lines for wait_until and for the hosts

load lib
MODULE=mariadb

setup_file()
{
	lab_setup_file 2 --init systemd --module "$TOP/modules/mariadb"
	[ ! -e "$BATS_FILE_TMPDIR/skip" ] || return 0
	for n in n1 n2; do
		shop_unit $n
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

# A service of the administrator's own: it serves a file of its directory,
# and starts at boot.
shop_unit()
{
	on "$1" sh -ec 'mkdir -p /srv/shop
	    cat >/etc/systemd/system/shop.service <<-END
	[Service]
	SuccessExitStatus=143
	ExecStart=/usr/bin/socat TCP-LISTEN:8080,fork,reuseaddr OPEN:/srv/shop/sign,rdonly
	[Install]
	WantedBy=multi-user.target
	END
	    systemctl daemon-reload
	    systemctl --quiet enable shop'
}

# sign ADDRESS
sign()
{
	on c1 timeout 2 socat -u "TCP:$1:8080,connect-timeout=1" -
}

# sql STATEMENT: by the virtual address, from c1.
sql()
{
	on c1 mariadb --no-defaults --connect-timeout=2 -h $VIP -u shop \
	    -pshop -NBe "$1" shop
}

@test "mariadb: a query by the address, a swap, a takeover, nothing lost" {
	on n1 mariadb -e 'CREATE DATABASE shop; CREATE USER shop@"10.88.1.%"
	    IDENTIFIED BY "shop"; GRANT ALL ON shop.* TO shop@"10.88.1.%"'
	sql 'CREATE TABLE t (n INT PRIMARY KEY) ENGINE=InnoDB'
	sql 'INSERT INTO t VALUES (1)'
	on n1 holdfast swap mariadb --timeout 60
	wait_until 30 'pair_is_level n2 n1'
	sql 'INSERT INTO t VALUES (2)'
	on n1 sh -c '! pgrep -x mariadbd'
	"$LAB" power off n2
	wait_state 30 n1 ALONE
	wait_until 30 '[ "$(sql "SELECT COUNT(*) FROM t")" = 2 ]'
	sql 'INSERT INTO t VALUES (3)'
	"$LAB" power on n2
	wait_until 60 'pair_is_level n1 n2'
	[ "$(sql 'SELECT GROUP_CONCAT(n ORDER BY n) FROM t')" = 1,2,3 ]
	run on n2 systemctl is-enabled mariadb
	[ "$output" = disabled ]
}

@test "mariadb: a node that cannot run it says why when it starts" {
	on n2 holdfast stop mariadb
	on n2 mount --bind /dev/null /usr/sbin/mariadbd
	run on n2 holdfast start mariadb --timeout 30
	[ "$status" -eq 70 ]
	[[ $output == *"apt install mariadb-server on this node"* ]]
	on n2 umount /usr/sbin/mariadbd
	on n2 sed -i.bak 's/^mysql:x:[0-9]*/mysql:x:2102/' /etc/passwd
	run on n2 holdfast start mariadb --timeout 30
	[ "$status" -eq 70 ]
	[[ $output == *"both nodes need the same numbers"* ]]
	on n2 mv /etc/passwd.bak /etc/passwd
	on n2 systemctl --quiet enable mariadb
	on n2 holdfast start mariadb --timeout 30
	on n2 holdfast wait --timeout 30 mariadb SECOND
	on n2 holdfast log mariadb | grep -q 'mariadb started at boot; disabled'
}

# new_fails TEXT OPTION...
new_fails()
{
	local text=$1

	shift
	run on n1 holdfast module new shop "$@"
	[ "$status" -ne 0 ]
	[[ $output == *"$text"* ]] || {
		echo "$output"
		return 1
	}
	said=$output
	run on n1 ls -A /etc/holdfast/modules
	[ "$output" = mariadb ]
}

@test "module new looks at all it is told, and leaves nothing when it fails" {
	new_fails "--vip is needed" --service shop --dir /srv/shop
	run on n1 holdfast module new ../shop --vip 10.88.1.110
	[ "$status" -eq 64 ]
	new_fails "no such template" --from nosuch --vip 10.88.1.110
	new_fails "is no IPv4 or IPv6 address" --vip 10.88.1.110/24
	new_fails "is no IPv4 or IPv6 address" --vip shop.example.org
	new_fails "10.88.1.2 is the own address of a node" --vip 10.88.1.2 \
	    --service shop --dir /srv/shop
	new_fails "no interface of this node has its network" \
	    --vip 10.99.1.2 --service shop --dir /srv/shop
	new_fails "this node has it already" --vip "$VIP" \
	    --service shop --dir /srv/shop
	new_fails "nothing would run: --service" --vip 10.88.1.110 \
	    --dir /srv/shop
	new_fails "service -shop: is no name" --vip 10.88.1.110 \
	    --service=-shop --dir /srv/shop
	new_fails 'replicated@dir: "srv/shop"' --vip 10.88.1.110 \
	    --service shop --dir srv/shop
	# All at once.
	new_fails "service nosuch: is not on this node" --vip 10.88.1.2 \
	    --service shop --service nosuch --dir /srv/nosuch
	[[ $said == *'directory /srv/nosuch: is not there: `mkdir -p'* ]]
	[[ $said == *"is the own address of a node"* ]]
	run on n1 holdfast module new mariadb --vip 10.88.1.110 \
	    --service shop --dir /srv/shop
	[ "$status" -ne 0 ]
	[[ $output == *"is installed already"* ]]
}

# module_runs NAME ADDRESS TEMPLATE ID: made on n1, then what it says is typed.
module_runs()
{
	run on n1 holdfast module new "$1" --from "$3" --service shop \
	    --dir /srv/shop --vip "$2" --id "$4"
	[ "$status" -eq 0 ]
	on n1 sh -c 'echo open >/srv/shop/sign'
	sed -n 's/^  holdfast/holdfast/p' <<<"$output" >"$BATS_TEST_TMPDIR/next"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/next")" -eq 4 ]
	while read -r line; do
		on n1 sh -ec "$line" </dev/null
	done <"$BATS_TEST_TMPDIR/next"
	on n2 holdfast wait --timeout 30 "$1" SECOND
	[ "$(sign "$2")" = open ]
}

@test "module new: a module that works without editing" {
	local n

	module_runs shop 10.88.1.110 mirror 2
	for n in n1 n2; do
		run on $n systemctl is-enabled shop
		[ "$output" = disabled ]
	done
	on n1 holdfast log shop | grep -q 'shop started at boot; disabled'
	on n1 holdfast swap shop --timeout 30
	on n2 holdfast wait --timeout 30 shop PRIM
	[ "$(sign 10.88.1.110)" = open ]
	run on n1 systemctl is-active shop
	[ "$output" = inactive ]
	for n in n1 n2; do
		on $n holdfast stop shop
		on $n holdfast module remove shop
	done
}

@test "the module systemd runs a unit, and refuses one that is not there" {
	module_runs site 10.88.1.111 systemd 7
	on n2 holdfast stop site
	on n2 rm /etc/systemd/system/shop.service
	on n2 systemctl daemon-reload
	run on n2 holdfast start site --timeout 30
	[ "$status" -eq 70 ]
	[[ $output == *"service shop is not on this node: install it"* ]]
	[ "$(sign 10.88.1.111)" = open ]
	shop_unit n2
	on n2 holdfast start site --timeout 30
	on n2 holdfast wait --timeout 30 site SECOND
	on n1 holdfast swap site --timeout 30
	on n2 holdfast wait --timeout 30 site PRIM
	[ "$(sign 10.88.1.111)" = open ]
}
