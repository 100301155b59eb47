#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
#
# What install lays out, what uninstall leaves, and the Debian package of it.
# What the package does to a running node is in 80-systemd.bats.
# shellcheck disable=SC2154 # top_builddir: lib.bash

load lib

setup_file()
{
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true
	nicely
	export STAGE=$BATS_FILE_TMPDIR/stage
	build install "DESTDIR=$STAGE"
	# What an administrator and a module have put there.
	mkdir -p "$STAGE/etc/holdfast/modules/web" "$STAGE/var/lib/holdfast/web"
	echo kept >"$STAGE/etc/holdfast/cluster.xml"
	echo kept >"$STAGE/var/lib/holdfast/web/record"
}

# Not as a part of a make that may be running us, and one at a time.
build()
{
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
	    flock "$top_builddir/config.status" \
	    make -s -C "$top_builddir" "$@" >"$BATS_FILE_TMPDIR/make" 2>&1 || {
		tail -n 40 "$BATS_FILE_TMPDIR/make" >&2
		return 1
	}
}

# The packages are in DEBS, made once: it takes 13 s of a processor.
debs_make()
{
	DEBS=$BATS_FILE_TMPDIR/debs
	[ ! -d "$DEBS" ] || return 0
	mkdir "$DEBS.new"
	DEB_BUILD_OPTIONS=noautodbgsym build deb DEB_VERSION=0.0~test \
	    "DEB_DEST=$DEBS.new"
	mv "$DEBS.new" "$DEBS"
}

# Names of files and links below a directory, with a leading slash.
files()
{
	(cd "$1" && find . -type f -o -type l) | cut -c2- | sort
}

# The package's version is the tree's, so that it can be told what it has.
@test "the changelog of the package names the version of the tree" {
	version=$(sed -n 's/^PACKAGE_VERSION = //p' "$top_builddir/Makefile")
	[ "$(sed -n '1s/.*(\(.*\)).*/\1/p' "$TOP/debian/changelog")" = \
	    "$version" ]
}

@test "the build of the package needs each library that configure asks for" {
	for library in libevent libconfuse libsodium libbsd-overlay libxxhash \
	    libmnl libxml-2.0 libarchive jansson sqlite3; do
		grep -q "\[$library >= " "$TOP/configure.ac"
	done
	asked=$(grep -c '^PKG_CHECK_MODULES' "$TOP/configure.ac")
	[ "$(grep -c '^ lib.*-dev' "$TOP/debian/control")" = "$asked" ]
	for package in $(sed -n 's/^ \(lib[^ ]*-dev\).*/\1/p' \
	    "$TOP/debian/control"); do
		grep -qw -e "$package" "$TOP/bootstrap"
	done
}

@test "install lays out what every daemon has" {
	for daemon in "$TOP"/bin/*d/main.c; do
		name=$(basename "$(dirname "$daemon")")
		[ -x "$STAGE/usr/lib/holdfast/$name" ]
		[ -f "$STAGE/usr/share/man/man8/$name.8" ]
	done
	[ -f "$STAGE/usr/lib/systemd/system/holdfast.service" ]
	[ -x "$STAGE/etc/init.d/holdfast" ]
	not grep -rlE '@[a-z]+@' "$STAGE/usr/lib/systemd" "$STAGE/etc" \
	    "$STAGE/usr/lib/sysusers.d" "$STAGE/usr/lib/tmpfiles.d"
}

@test "uninstall leaves configuration and state, and nothing else" {
	cp -a "$STAGE" "$BATS_TEST_TMPDIR/stage"
	build uninstall "DESTDIR=$BATS_TEST_TMPDIR/stage"
	files "$BATS_TEST_TMPDIR/stage"
	[ "$(files "$BATS_TEST_TMPDIR/stage")" = \
	    $'/etc/holdfast/cluster.xml\n/var/lib/holdfast/web/record' ]
}

@test "the package has what install lays out, and no error of lintian's" {
	command -v lintian >/dev/null || skip "needs lintian"
	cd "$BATS_TEST_TMPDIR"
	debs_make
	dpkg-deb -x "$DEBS"/holdfast_0.0~test_*.deb tree
	# /lib is /usr/lib on every Debian that we are built for.
	diff <(files tree | sed 's|^/lib/|/usr/lib/|; s|\.gz$||
	    /\/copyright$/d; /\/changelog$/d; /\/lintian\/overrides\//d' |
	    sort) \
	    <(files "$STAGE" | grep -v -e ^/etc/holdfast/cluster.xml -e ^/var/lib/)
	[ "$(dpkg-deb -I "$DEBS"/holdfast_0.0~test_*.deb conffiles | sort)" = \
	    "$(files tree | grep ^/etc/)" ]
	lintian --allow-root --fail-on error "$DEBS"/holdfast_0.0~test_*.deb
}

@test "the package of the witness has the voter and nothing else" {
	command -v lintian >/dev/null || skip "needs lintian"
	cd "$BATS_TEST_TMPDIR"
	debs_make
	dpkg-deb -x "$DEBS"/holdfast-witness_0.0~test_*.deb tree
	diff <(files tree | sed 's|^/lib/|/usr/lib/|; s|\.gz$||' | sort) - <<-END
	/etc/init.d/holdfast-witness
	/etc/logrotate.d/holdfast-witness
	/usr/lib/firewalld/services/holdfast-witness.xml
	/usr/lib/holdfast/witnessd
	/usr/lib/systemd/system/holdfast-witness.service
	/usr/lib/sysusers.d/holdfast-witness.conf
	/usr/lib/tmpfiles.d/holdfast-witness.conf
	/usr/sbin/witnessd
	/usr/share/doc/holdfast-witness/changelog
	/usr/share/doc/holdfast-witness/copyright
	/usr/share/doc/holdfast-witness/examples/witnessd.conf
	/usr/share/man/man5/witnessd.conf.5
	/usr/share/man/man8/witnessd.8
	END
	[ "$(readlink -f tree/usr/sbin/witnessd)" = \
	    "$PWD/tree/usr/lib/holdfast/witnessd" ]
	not grep -rlE '@[a-z]+@' tree/lib tree/etc tree/usr/lib/sysusers.d
	lintian --allow-root --fail-on error,warning \
	    "$DEBS"/holdfast-witness_0.0~test_*.deb
	# One machine is a node or a witness.
	dpkg-deb -f "$DEBS"/holdfast-witness_0.0~test_*.deb Conflicts |
	    grep -qx holdfast
}

# In a mount namespace whose /etc, /usr and /var are thrown away.
@test "bootstrap install makes the users, uninstall leaves what is not ours" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ "$TOP" = "$top_builddir" ] || skip "needs the build in the tree"
	not getent passwd holdfast || skip "this machine has the users"
	# As it is: other suites run from this tree meanwhile.
	args=--disable-failpoints
	if "$TOP/bin/mirrord/mirrord" -V | grep -q failpoints; then
		args=--enable-failpoints
	fi
	before=$(stat -c %Y "$TOP/config.status")
	cat >"$BATS_TEST_TMPDIR/try" <<-'END'
	set -ex
	mount -t tmpfs upper /mnt
	for dir in etc usr var; do
		mkdir -p /mnt/$dir/upper /mnt/$dir/work
		mount -t overlay -o lowerdir=/$dir,upperdir=/mnt/$dir/upper \
		    -o workdir=/mnt/$dir/work overlay /$dir
	done
	mount -t tmpfs run /run
	cd "$1"
	./bootstrap install
	getent passwd holdfast
	getent group holdfast-control holdfast-admin
	[ -d /run/holdfast ] && [ -d /var/log/holdfast ]
	holdfast help >/dev/null
	echo kept >/etc/holdfast/cluster.xml
	echo kept >/var/lib/holdfast/kept
	./bootstrap uninstall
	[ ! -e /usr/sbin/holdfast ]
	[ "$(cat /etc/holdfast/cluster.xml /var/lib/holdfast/kept)" = \
	    "$(printf 'kept\nkept')" ]
	END
	CONFIGURE_ARGS=$args unshare -m --propagation private \
	    sh "$BATS_TEST_TMPDIR/try" "$TOP"
	not getent passwd holdfast
	[ "$(stat -c %Y "$TOP/config.status")" = "$before" ]
}

@test "a source package builds as Debian's tools do it" {
	[ -n "${HOLDFAST_LONG-}" ] || skip "HOLDFAST_LONG is not set"
	build distdir "distdir=$BATS_TEST_TMPDIR/holdfast-0"
	cd "$BATS_TEST_TMPDIR/holdfast-0"
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS dpkg-buildpackage -us -uc -b
	lintian --allow-root --fail-on error ../holdfast_*.deb
}
