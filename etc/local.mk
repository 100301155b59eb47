# SPDX-License-Identifier: ISC
# Files with paths in them are made from *.in by one list.

ETC_MADE = \
	etc/holdfast.service \
	etc/holdfast-guard.service \
	etc/holdfast.logrotate \
	etc/holdfast.tmpfiles \
	etc/holdfast-witness.logrotate \
	etc/holdfast-witness.service \
	etc/holdfast-witness.tmpfiles \
	etc/completion/holdfast.bash \
	etc/completion/holdfast.zsh \
	etc/init.d/holdfast \
	etc/init.d/holdfast-witness
EXTRA_DIST += \
	etc/completion/holdfast.bash.in \
	etc/completion/holdfast.zsh.in \
	etc/holdfast.firewalld \
	etc/holdfast.needrestart \
	etc/holdfast.service.in \
	etc/holdfast-guard.service.in \
	etc/holdfast.logrotate.in \
	etc/holdfast.slice \
	etc/holdfast.sysusers \
	etc/holdfast-apps.service \
	etc/holdfast.tmpfiles.in \
	etc/holdfast-witness.firewalld \
	etc/holdfast-witness.logrotate.in \
	etc/holdfast-witness.service.in \
	etc/holdfast-witness.tmpfiles.in \
	etc/alert.d/mail.sample \
	etc/alert.d/webhook.sample \
	etc/init.d/holdfast.in \
	etc/init.d/holdfast-witness.in
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
etc/holdfast-guard.service: etc/holdfast-guard.service.in Makefile
	$(etc_edit)
etc/holdfast.logrotate: etc/holdfast.logrotate.in Makefile
	$(etc_edit)
etc/holdfast.tmpfiles: etc/holdfast.tmpfiles.in Makefile
	$(etc_edit)
etc/completion/holdfast.bash: etc/completion/holdfast.bash.in Makefile
	$(etc_edit)
etc/completion/holdfast.zsh: etc/completion/holdfast.zsh.in Makefile
	$(etc_edit)
etc/holdfast-witness.logrotate: etc/holdfast-witness.logrotate.in Makefile
	$(etc_edit)
etc/holdfast-witness.service: etc/holdfast-witness.service.in Makefile
	$(etc_edit)
etc/holdfast-witness.tmpfiles: etc/holdfast-witness.tmpfiles.in Makefile
	$(etc_edit)
etc/init.d/holdfast: etc/init.d/holdfast.in Makefile
	$(etc_edit)
	@chmod +x $@
etc/init.d/holdfast-witness: etc/init.d/holdfast-witness.in Makefile
	$(etc_edit)
	@chmod +x $@

if SYSTEMD
systemdsystemunit_DATA = \
	etc/holdfast.service \
	etc/holdfast.slice \
	etc/holdfast-apps.service \
	etc/holdfast-guard.service
endif
initddir = $(sysconfdir)/init.d
initd_SCRIPTS = etc/init.d/holdfast

# Samples are not run; what an administrator copies is theirs.
alertdir = $(sysconfdir)/holdfast/alert.d
alert_SCRIPTS = etc/alert.d/mail.sample etc/alert.d/webhook.sample

# Samples, each with what its page calls the defaults.
exampledir = $(docdir)/examples
example_DATA = \
	%D%/examples/alertd.conf \
	%D%/examples/cluster.xml \
	%D%/examples/consoled.conf \
	%D%/examples/heartd.conf \
	%D%/examples/holdfast.cron \
	%D%/examples/holdfastd.conf \
	%D%/examples/remoted.conf \
	%D%/examples/witnessd.conf
EXTRA_DIST += $(example_DATA)
pkglibexec_SCRIPTS += %D%/completion/complete %D%/guard
EXTRA_DIST += %D%/completion/complete %D%/guard

# Their names at the place are not their names here: FROM TO, where FROM was
# made or is in the source tree.
ETC_PLACED = \
	holdfast.logrotate $(sysconfdir)/logrotate.d/holdfast \
	holdfast.sysusers $(prefix)/lib/sysusers.d/holdfast.conf \
	holdfast.tmpfiles $(prefix)/lib/tmpfiles.d/holdfast.conf \
	holdfast.firewalld $(prefix)/lib/firewalld/services/holdfast.xml \
	holdfast.needrestart $(sysconfdir)/needrestart/conf.d/holdfast.conf \
	completion/holdfast.bash \
	    $(datadir)/bash-completion/completions/holdfast \
	completion/holdfast.zsh $(datadir)/zsh/vendor-completions/_holdfast

install-data-hook-etc:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/holdfast'
	@set -e; set -- $(ETC_PLACED); while [ $$# -gt 0 ]; do \
	    from=etc/$$1; [ -f $$from ] || from=$(srcdir)/etc/$$1; \
	    $(MKDIR_P) "$(DESTDIR)$${2%/*}"; \
	    $(INSTALL_DATA) $$from "$(DESTDIR)$$2"; shift 2; done

uninstall-hook-etc:
	@set -- $(ETC_PLACED); while [ $$# -gt 0 ]; do \
	    rm -f "$(DESTDIR)$$2"; shift 2; done

.PHONY: install-data-hook-etc uninstall-hook-etc
install-data-local: install-data-hook-etc
uninstall-local: uninstall-hook-etc

# A witness alone, with nothing else of Holdfast: what its package has.
WITNESS_PLACED = \
	holdfast-witness.logrotate $(sysconfdir)/logrotate.d/holdfast-witness \
	holdfast-witness.tmpfiles $(prefix)/lib/tmpfiles.d/holdfast-witness.conf \
	holdfast-witness.firewalld \
	    $(prefix)/lib/firewalld/services/holdfast-witness.xml \
	holdfast.sysusers $(prefix)/lib/sysusers.d/holdfast-witness.conf
if SYSTEMD
WITNESS_PLACED += holdfast-witness.service \
	$(systemdsystemunitdir)/holdfast-witness.service
endif
install-witness: all
	$(MKDIR_P) '$(DESTDIR)$(pkglibexecdir)' '$(DESTDIR)$(sbindir)' \
	    '$(DESTDIR)$(man8dir)' '$(DESTDIR)$(man5dir)' \
	    '$(DESTDIR)$(initddir)' \
	    '$(DESTDIR)$(docdir)-witness/examples'
	$(INSTALL_PROGRAM) bin/witnessd/witnessd '$(DESTDIR)$(pkglibexecdir)'
	cd '$(DESTDIR)$(sbindir)' && rm -f witnessd && \
	    $(LN_S) ../lib/holdfast/witnessd witnessd
	$(INSTALL_DATA) $(srcdir)/man/witnessd.8 '$(DESTDIR)$(man8dir)'
	$(INSTALL_DATA) $(srcdir)/man/witnessd.conf.5 '$(DESTDIR)$(man5dir)'
	$(INSTALL_SCRIPT) etc/init.d/holdfast-witness '$(DESTDIR)$(initddir)'
	$(INSTALL_DATA) $(srcdir)/etc/examples/witnessd.conf \
	    '$(DESTDIR)$(docdir)-witness/examples'
	@set -e; set -- $(WITNESS_PLACED); while [ $$# -gt 0 ]; do \
	    from=etc/$$1; [ -f $$from ] || from=$(srcdir)/etc/$$1; \
	    $(MKDIR_P) "$(DESTDIR)$${2%/*}"; \
	    $(INSTALL_DATA) $$from "$(DESTDIR)$$2"; shift 2; done
.PHONY: install-witness
