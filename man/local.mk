# SPDX-License-Identifier: ISC
dist_man8_MANS += man/holdfast-lab.8
dist_man8_MANS += man/vipd.8
dist_man5_MANS += man/vipd.conf.5
dist_man7_MANS += man/holdfast.7
dist_man7_MANS += man/holdfast-protocol.7
dist_man8_MANS += man/holdfastd.8
dist_man8_MANS += man/keepd.8
dist_man8_MANS += man/runscript.8
dist_man8_MANS += man/heartd.8
dist_man5_MANS += man/heartd.conf.5
dist_man8_MANS += man/holdfast.8
dist_man5_MANS += man/cluster.xml.5 man/userconfig.xml.5
dist_man8_MANS += man/mirrord.8
dist_man5_MANS += man/mirrord.conf.5
dist_man8_MANS += man/moduled.8
dist_man5_MANS += man/moduled.conf.5
dist_man7_MANS += man/holdfast-failures.7
