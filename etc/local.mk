# SPDX-License-Identifier: ISC
# Files with paths in them are made from *.in by one list.

ETC_MADE = \
	etc/holdfast.service \
	etc/holdfast.logrotate \
	etc/holdfast.tmpfiles \
	etc/init.d/holdfast
EXTRA_DIST += \
	etc/holdfast.service.in \
	etc/holdfast.logrotate.in \
	etc/holdfast.sysusers \
	etc/holdfast.tmpfiles.in \
	etc/holdfastd.conf \
	etc/alert.d/mail.sample \
	etc/alert.d/webhook.sample \
	etc/init.d/holdfast.in
CLEANFILES += $(ETC_MADE)
noinst_DATA = $(ETC_MADE)

etc_edit = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) \
	-e 's|@pkglibexecdir[@]|$(pkglibexecdir)|g' \
	-e 's|@sbindir[@]|$(sbindir)|g' \
	-e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	-e 's|@localstatedir[@]|$(localstatedir)|g' \
	-e 's|@runstatedir[@]|$(runstatedir)|g' \
	$(srcdir)/$@.in >$@.tmp && mv $@.tmp $@

etc/holdfast.service: etc/holdfast.service.in Makefile
	$(etc_edit)
etc/holdfast.logrotate: etc/holdfast.logrotate.in Makefile
	$(etc_edit)
etc/holdfast.tmpfiles: etc/holdfast.tmpfiles.in Makefile
	$(etc_edit)
etc/init.d/holdfast: etc/init.d/holdfast.in Makefile
	$(etc_edit)
	@chmod +x $@

if SYSTEMD
systemdsystemunit_DATA = etc/holdfast.service
endif
initddir = $(sysconfdir)/init.d
initd_SCRIPTS = etc/init.d/holdfast

# Samples are not run; what an administrator copies is theirs.
alertdir = $(sysconfdir)/holdfast/alert.d
alert_SCRIPTS = etc/alert.d/mail.sample etc/alert.d/webhook.sample

# Their names at the place are not their names here.
install-data-hook-etc:
	$(MKDIR_P) $(DESTDIR)$(sysconfdir)/holdfast \
	    $(DESTDIR)$(sysconfdir)/logrotate.d \
	    $(DESTDIR)$(prefix)/lib/sysusers.d \
	    $(DESTDIR)$(prefix)/lib/tmpfiles.d \
	    $(DESTDIR)$(docdir)
	$(INSTALL_DATA) etc/holdfast.logrotate \
	    $(DESTDIR)$(sysconfdir)/logrotate.d/holdfast
	$(INSTALL_DATA) $(srcdir)/etc/holdfast.sysusers \
	    $(DESTDIR)$(prefix)/lib/sysusers.d/holdfast.conf
	$(INSTALL_DATA) etc/holdfast.tmpfiles \
	    $(DESTDIR)$(prefix)/lib/tmpfiles.d/holdfast.conf
	$(INSTALL_DATA) $(srcdir)/etc/holdfastd.conf \
	    $(DESTDIR)$(docdir)/holdfastd.conf

uninstall-hook-etc:
	rm -f $(DESTDIR)$(sysconfdir)/logrotate.d/holdfast \
	    $(DESTDIR)$(prefix)/lib/sysusers.d/holdfast.conf \
	    $(DESTDIR)$(prefix)/lib/tmpfiles.d/holdfast.conf \
	    $(DESTDIR)$(docdir)/holdfastd.conf

.PHONY: install-data-hook-etc uninstall-hook-etc
install-data-local: install-data-hook-etc
uninstall-local: uninstall-hook-etc
