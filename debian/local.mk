# SPDX-License-Identifier: ISC
# make deb: this tree's programs as a package, without compiling them again.
# A plain dpkg-buildpackage compiles with the distribution's flags.

EXTRA_DIST += \
	%D%/changelog \
	%D%/control \
	%D%/copyright \
	%D%/holdfast.lintian-overrides \
	%D%/holdfast-witness.postrm \
	%D%/holdfast.postinst \
	%D%/holdfast.postrm \
	%D%/holdfast.prerm \
	%D%/rules \
	%D%/source/format

# A tree that can be told to kill itself is named so: `./bootstrap deb' makes
# the other.
if FAILPOINTS
DEB_VERSION = $(PACKAGE_VERSION)+failpoints
else
DEB_VERSION = $(PACKAGE_VERSION)
endif
DEB_DEST = $(abs_top_builddir)
deb_dir = $(abs_top_builddir)/build/deb
deb: all
	@command -v dh >/dev/null && command -v dpkg-buildpackage >/dev/null || \
	    { echo "make deb: apt-get install debhelper dpkg-dev" >&2; \
	      exit 69; }
	@test '$(prefix) $(sysconfdir) $(localstatedir) $(runstatedir)' = \
	    '/usr /etc /var /run' || \
	    { echo "make deb: configure with --prefix=/usr" \
	      "--sysconfdir=/etc --localstatedir=/var --runstatedir=/run" >&2; \
	      exit 78; }
	rm -rf $(deb_dir) && $(MKDIR_P) $(deb_dir)/tree
	cp -r $(srcdir)/debian $(deb_dir)/tree/
	sed -i '1s/(.*)/($(DEB_VERSION))/' $(deb_dir)/tree/debian/changelog
	cd $(deb_dir)/tree && env -u MAKEFLAGS -u MAKELEVEL -u DESTDIR \
	    HOLDFAST_BUILT=$(abs_top_builddir) \
	    dpkg-buildpackage -us -uc -b -nc -d
	mv $(deb_dir)/*.deb $(DEB_DEST)/
	rm -rf $(deb_dir)
.PHONY: deb
