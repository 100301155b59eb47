# SPDX-License-Identifier: ISC

check_PROGRAMS += t/unit/verify
t_unit_verify_SOURCES = %D%/verify.c %D%/tap.h
t_unit_verify_LDADD = bin/mirrord/libmirrord.a $(COMMON_LIBS) \
	$(XXHASH_LIBS)

check_PROGRAMS += t/unit/when
t_unit_when_SOURCES = %D%/when.c %D%/tap.h
t_unit_when_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/sync-plan
t_unit_sync_plan_SOURCES = %D%/sync-plan.c %D%/tap.h
t_unit_sync_plan_LDADD = $(MODULED_LIBS)

check_PROGRAMS += t/unit/pace
t_unit_pace_SOURCES = %D%/pace.c %D%/tap.h
t_unit_pace_LDADD = bin/mirrord/libmirrord.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/lives
t_unit_lives_SOURCES = %D%/lives.c %D%/tap.h
t_unit_lives_LDADD = bin/mirrord/libmirrord.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/hold
t_unit_hold_SOURCES = %D%/hold.c %D%/tap.h
t_unit_hold_LDADD = bin/mirrord/libmirrord.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/farm-blob
t_unit_farm_blob_SOURCES = %D%/farm-blob.c %D%/tap.h
t_unit_farm_blob_LDADD = $(FARMD_LIBS)
check_PROGRAMS += t/unit/filters
t_unit_filters_SOURCES = %D%/filters.c %D%/tap.h
t_unit_filters_LDADD = $(FARMD_LIBS)

check_PROGRAMS += t/unit/places
t_unit_places_SOURCES = %D%/places.c %D%/tap.h
t_unit_places_LDADD = $(FARMD_LIBS)

check_PROGRAMS += t/unit/flood
t_unit_flood_SOURCES = %D%/flood.c %D%/tap.h
t_unit_flood_LDADD = $(FARMD_LIBS)

check_PROGRAMS += t/unit/farm-conf
t_unit_farm_conf_SOURCES = %D%/farm-conf.c %D%/tap.h
t_unit_farm_conf_LDADD = $(FARMD_LIBS)

check_PROGRAMS += t/unit/accord
t_unit_accord_SOURCES = %D%/accord.c %D%/accord-world.c \
	%D%/accord-world.h %D%/tap.h
t_unit_accord_LDADD = $(FARMD_LIBS)

check_PROGRAMS += t/unit/accord-sim
t_unit_accord_sim_SOURCES = %D%/accord-sim.c %D%/accord-world.c \
	%D%/accord-world.h %D%/tap.h
t_unit_accord_sim_LDADD = $(FARMD_LIBS)

check_PROGRAMS += t/unit/share
t_unit_share_SOURCES = %D%/share.c %D%/tap.h
t_unit_share_LDADD = $(FARMD_LIBS)

check_PROGRAMS += t/unit/scrub
t_unit_scrub_SOURCES = %D%/scrub.c %D%/tap.h
t_unit_scrub_LDADD = $(HOLDFAST_LIBS)

check_PROGRAMS += t/unit/story
t_unit_story_SOURCES = %D%/story.c %D%/tap.h
t_unit_story_LDADD = $(HOLDFAST_LIBS)

check_PROGRAMS += t/unit/farm-view
t_unit_farm_view_SOURCES = %D%/farm-view.c %D%/tap.h
t_unit_farm_view_CFLAGS = $(AM_CFLAGS) $(XML_CFLAGS)
t_unit_farm_view_LDADD = $(HOLDFAST_LIBS)

check_PROGRAMS += t/unit/newest
t_unit_newest_SOURCES = %D%/newest.c %D%/tap.h
t_unit_newest_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/notice
t_unit_notice_SOURCES = %D%/notice.c %D%/tap.h
t_unit_notice_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/fail
t_unit_fail_SOURCES = %D%/fail.c %D%/tap.h
t_unit_fail_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/lease
t_unit_lease_SOURCES = %D%/lease.c %D%/tap.h
t_unit_lease_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/keep
t_unit_keep_SOURCES = %D%/keep.c %D%/tap.h
t_unit_keep_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/shelf
t_unit_shelf_SOURCES = %D%/shelf.c %D%/tap.h
t_unit_shelf_LDADD = bin/keepd/libkeepd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/service
t_unit_service_SOURCES = %D%/service.c %D%/tap.h
t_unit_service_LDADD = bin/holdfastd/libholdfastd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/roster
t_unit_roster_SOURCES = %D%/roster.c %D%/tap.h
t_unit_roster_LDADD = bin/holdfastd/libholdfastd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/adopt
t_unit_adopt_SOURCES = %D%/adopt.c %D%/tap.h
t_unit_adopt_LDADD = bin/holdfastd/libholdfastd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/cgroup
t_unit_cgroup_SOURCES = %D%/cgroup.c %D%/tap.h
t_unit_cgroup_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/whole
t_unit_whole_SOURCES = %D%/whole.c %D%/tap.h
t_unit_whole_LDADD = $(COMMON_LIBS)

MIRRORD_LIBS = bin/mirrord/libmirrord.a $(COMMON_LIBS) $(XXHASH_LIBS)

check_PROGRAMS += t/unit/op
t_unit_op_SOURCES = %D%/op.c %D%/tap.h
t_unit_op_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/object
t_unit_object_SOURCES = %D%/object.c %D%/tap.h %D%/tree.h
t_unit_object_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/exclude
t_unit_exclude_SOURCES = %D%/exclude.c %D%/tap.h %D%/tree.h
t_unit_exclude_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/store
t_unit_store_SOURCES = %D%/store.c %D%/tap.h %D%/tree.h
t_unit_store_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/term
t_unit_term_SOURCES = %D%/term.c %D%/tap.h
t_unit_term_LDADD = bin/vipd/libvipd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/vip
t_unit_vip_SOURCES = %D%/vip.c %D%/tap.h
t_unit_vip_LDADD = bin/vipd/libvipd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/wire
t_unit_wire_SOURCES = %D%/wire.c %D%/tap.h
t_unit_wire_LDADD = bin/vipd/libvipd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/stream
t_unit_stream_SOURCES = %D%/stream.c %D%/tap.h
t_unit_stream_LDADD = $(MIRRORD_LIBS)
check_PROGRAMS += t/unit/line
t_unit_line_SOURCES = %D%/line.c %D%/tap.h
t_unit_line_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/propose
t_unit_propose_SOURCES = %D%/propose.c %D%/tap.h
t_unit_propose_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/reg-may
t_unit_reg_may_SOURCES = %D%/reg-may.c %D%/tap.h
t_unit_reg_may_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/register-sim
t_unit_register_sim_SOURCES = %D%/register-sim.c %D%/tap.h
t_unit_register_sim_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/register
t_unit_register_SOURCES = %D%/register.c %D%/tap.h
t_unit_register_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/vote
t_unit_vote_SOURCES = %D%/vote.c %D%/tap.h
t_unit_vote_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/ballot
t_unit_ballot_SOURCES = %D%/ballot.c %D%/tap.h
t_unit_ballot_LDADD = bin/witnessd/libwitnessd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/voter-store
t_unit_voter_store_SOURCES = %D%/voter-store.c %D%/tap.h
t_unit_voter_store_LDADD = bin/witnessd/libwitnessd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/etcd
t_unit_etcd_SOURCES = %D%/etcd.c %D%/tap.h
t_unit_etcd_LDADD = $(MODULED_LIBS)

check_PROGRAMS += t/unit/etcd-sim
t_unit_etcd_sim_SOURCES = %D%/etcd-sim.c %D%/tap.h
t_unit_etcd_sim_LDADD = $(MODULED_LIBS)

check_PROGRAMS += t/unit/frame
t_unit_frame_SOURCES = %D%/frame.c %D%/tap.h
t_unit_frame_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/epoch
t_unit_epoch_SOURCES = %D%/epoch.c %D%/tap.h
t_unit_epoch_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/seal
t_unit_seal_SOURCES = %D%/seal.c %D%/tap.h
t_unit_seal_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/remote
t_unit_remote_SOURCES = %D%/remote.c %D%/tap.h
t_unit_remote_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/invite
t_unit_invite_SOURCES = %D%/invite.c %D%/tap.h
t_unit_invite_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/budget
t_unit_budget_SOURCES = %D%/budget.c %D%/tap.h
t_unit_budget_LDADD = bin/remoted/libremoted.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/serve
t_unit_serve_SOURCES = %D%/serve.c %D%/tap.h
t_unit_serve_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/statefile
t_unit_statefile_SOURCES = %D%/statefile.c %D%/tap.h
t_unit_statefile_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/cluster
t_unit_cluster_SOURCES = %D%/cluster.c %D%/tap.h
t_unit_cluster_LDADD = $(COMMON_LIBS)
check_PROGRAMS += t/unit/beat
t_unit_beat_SOURCES = %D%/beat.c %D%/tap.h
t_unit_beat_LDADD = bin/heartd/libheartd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/twin
t_unit_twin_SOURCES = %D%/twin.c %D%/tap.h
t_unit_twin_LDADD = bin/heartd/libheartd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/incarnation
t_unit_incarnation_SOURCES = %D%/incarnation.c %D%/tap.h
t_unit_incarnation_LDADD = bin/heartd/libheartd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/blob
t_unit_blob_SOURCES = %D%/blob.c %D%/tap.h
t_unit_blob_LDADD = bin/heartd/libheartd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/datagram
t_unit_datagram_SOURCES = %D%/datagram.c %D%/tap.h
t_unit_datagram_LDADD = bin/heartd/libheartd.a $(COMMON_LIBS)
check_PROGRAMS += t/unit/env
t_unit_env_SOURCES = %D%/env.c %D%/tap.h
t_unit_env_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/family
t_unit_family_SOURCES = %D%/family.c %D%/tap.h
t_unit_family_LDADD = bin/runscript/librunscript.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/fsm
t_unit_fsm_SOURCES = %D%/fsm.c %D%/tap.h
t_unit_fsm_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/resync-story
t_unit_resync_story_SOURCES = %D%/resync-story.c %D%/tap.h
t_unit_resync_story_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/facts
t_unit_facts_SOURCES = %D%/facts.c %D%/tap.h
t_unit_facts_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/decide-register
t_unit_decide_register_SOURCES = %D%/decide-register.c %D%/decide-node.h \
	%D%/tap.h
t_unit_decide_register_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/grant
t_unit_grant_SOURCES = %D%/grant.c %D%/tap.h
t_unit_grant_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/pair-register
t_unit_pair_register_SOURCES = %D%/pair-register.c %D%/pair-register.h \
	%D%/pair-node.h %D%/pair-reg-net.c %D%/pair-reg-store.c \
	%D%/pair-scripts.c %D%/pair-scripts.h %D%/pair-words.h %D%/tap.h
t_unit_pair_register_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/pair
t_unit_pair_SOURCES = %D%/pair.c %D%/pair-scripts.c %D%/pair-scripts.h \
	%D%/pair-words.h %D%/tap.h
t_unit_pair_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/link
t_unit_link_SOURCES = %D%/link.c %D%/tap.h %D%/tree.h
t_unit_link_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/resync
t_unit_resync_SOURCES = %D%/resync.c %D%/resync-app.c \
	%D%/resync-app.h %D%/resync-link.c %D%/resync-link.h \
	%D%/resync-pair.c %D%/resync-pair.h \
	%D%/tap.h %D%/tree.h
t_unit_resync_LDADD = $(MIRRORD_LIBS)
check_PROGRAMS += t/unit/agent
t_unit_agent_SOURCES = %D%/agent.c %D%/tap.h
t_unit_agent_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/power
t_unit_power_SOURCES = %D%/power.c %D%/tap.h
t_unit_power_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)
check_PROGRAMS += t/unit/scripts-freeze
t_unit_scripts_freeze_SOURCES = %D%/scripts-freeze.c %D%/tap.h
t_unit_scripts_freeze_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)
check_PROGRAMS += t/unit/aside
t_unit_aside_SOURCES = %D%/aside.c %D%/resync-app.c \
	%D%/resync-app.h %D%/resync-link.c %D%/resync-link.h \
	%D%/resync-pair.c %D%/resync-pair.h \
	%D%/tap.h %D%/tree.h
t_unit_aside_LDADD = $(MIRRORD_LIBS)
check_PROGRAMS += t/unit/asidelist
t_unit_asidelist_SOURCES = %D%/asidelist.c %D%/scratch.h %D%/tap.h
t_unit_asidelist_LDADD = $(COMMON_LIBS)
check_PROGRAMS += t/unit/sequence
t_unit_sequence_SOURCES = %D%/sequence.c %D%/tap.h
t_unit_sequence_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)
check_PROGRAMS += t/unit/config-value
t_unit_config_value_SOURCES = %D%/config-value.c %D%/tap.h
t_unit_config_value_LDADD = $(HOLDFAST_LIBS)

check_PROGRAMS += t/unit/config-tables
t_unit_config_tables_SOURCES = %D%/config-tables.c %D%/tap.h
t_unit_config_tables_LDADD = $(HOLDFAST_LIBS)

check_PROGRAMS += t/unit/config-safe
t_unit_config_safe_SOURCES = %D%/config-safe.c %D%/tap.h
t_unit_config_safe_CFLAGS = $(AM_CFLAGS) $(XML_CFLAGS)
t_unit_config_safe_LDADD = $(HOLDFAST_LIBS)

check_PROGRAMS += t/unit/config-cluster
t_unit_config_cluster_SOURCES = %D%/config-cluster.c %D%/tap.h
t_unit_config_cluster_LDADD = $(HOLDFAST_LIBS)

check_PROGRAMS += t/unit/cluster-edit
t_unit_cluster_edit_SOURCES = %D%/cluster-edit.c %D%/tap.h
t_unit_cluster_edit_LDADD = $(HOLDFAST_LIBS)

check_PROGRAMS += t/unit/keys-plan
t_unit_keys_plan_SOURCES = %D%/keys-plan.c %D%/tap.h
t_unit_keys_plan_LDADD = $(HOLDFAST_LIBS)

check_PROGRAMS += t/unit/goal
t_unit_goal_SOURCES = %D%/goal.c %D%/tap.h
t_unit_goal_LDADD = $(HOLDFAST_LIBS)
check_PROGRAMS += t/unit/evidence
t_unit_evidence_SOURCES = %D%/evidence.c %D%/tap.h
t_unit_evidence_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/intake
t_unit_intake_SOURCES = %D%/intake.c %D%/tap.h
t_unit_intake_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/fuse
t_unit_fuse_SOURCES = %D%/fuse.c %D%/tap.h
t_unit_fuse_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/wish
t_unit_wish_SOURCES = %D%/wish.c %D%/tap.h
t_unit_wish_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/mountinfo
t_unit_mountinfo_SOURCES = %D%/mountinfo.c %D%/tap.h
t_unit_mountinfo_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/lookup
t_unit_lookup_SOURCES = %D%/lookup.c %D%/tap.h
t_unit_lookup_LDADD = $(MIRRORD_LIBS)
check_PROGRAMS += t/unit/heartd-module
t_unit_heartd_module_SOURCES = %D%/heartd-module.c %D%/tap.h
t_unit_heartd_module_LDADD = bin/heartd/libheartd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/clock
t_unit_clock_SOURCES = %D%/clock.c %D%/tap.h
t_unit_clock_LDADD = $(COMMON_LIBS)

# Helper of t/moduled.bats.
noinst_PROGRAMS += t/unit/fakefarm
t_unit_fakefarm_SOURCES = %D%/fakefarm.c
t_unit_fakefarm_LDADD = $(COMMON_LIBS)

noinst_PROGRAMS += t/unit/siblings
t_unit_siblings_SOURCES = %D%/siblings.c
t_unit_siblings_LDADD = $(COMMON_LIBS)
check_PROGRAMS += t/unit/halt
t_unit_halt_SOURCES = %D%/halt.c %D%/tap.h
t_unit_halt_LDADD = bin/holdfastd/libholdfastd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/report
t_unit_report_SOURCES = %D%/report.c %D%/tap.h
t_unit_report_LDADD = bin/runscript/librunscript.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/gen
t_unit_gen_SOURCES = %D%/gen.c %D%/scratch.h %D%/tap.h
t_unit_gen_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/meet
t_unit_meet_SOURCES = %D%/meet.c %D%/tap.h
t_unit_meet_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/actlog
t_unit_actlog_SOURCES = %D%/actlog.c %D%/scratch.h %D%/tap.h
t_unit_actlog_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/dirty
t_unit_dirty_SOURCES = %D%/dirty.c %D%/scratch.h %D%/tap.h
t_unit_dirty_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/change
t_unit_change_SOURCES = %D%/change.c %D%/scratch.h %D%/tap.h
t_unit_change_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/parcel
t_unit_parcel_SOURCES = %D%/parcel.c %D%/tap.h
t_unit_parcel_LDADD = $(MIRRORD_LIBS)

check_PROGRAMS += t/unit/farm-decide
t_unit_farm_decide_SOURCES = %D%/farm-decide.c %D%/tap.h
t_unit_farm_decide_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/farm-facts
t_unit_farm_facts_SOURCES = %D%/farm-facts.c %D%/tap.h
t_unit_farm_facts_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/decide-power
t_unit_decide_power_SOURCES = %D%/decide-power.c %D%/decide-world.h \
	%D%/decide-node.h %D%/tap.h
t_unit_decide_power_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)
check_PROGRAMS += t/unit/decide
t_unit_decide_SOURCES = %D%/decide.c %D%/decide-world.h \
	%D%/decide-node.h %D%/tap.h
t_unit_decide_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/decide-sync
t_unit_decide_sync_SOURCES = %D%/decide-sync.c %D%/decide-world.h \
	%D%/decide-node.h %D%/tap.h
t_unit_decide_sync_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/module-wish
t_unit_module_wish_SOURCES = %D%/module-wish.c %D%/tap.h
t_unit_module_wish_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)
check_PROGRAMS += t/unit/chain
t_unit_chain_SOURCES = %D%/chain.c %D%/tap.h
t_unit_chain_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/limit
t_unit_limit_SOURCES = %D%/limit.c %D%/tap.h
t_unit_limit_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/judge
t_unit_judge_SOURCES = %D%/judge.c %D%/tap.h
t_unit_judge_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/bin/holdfast \
	-I$(srcdir)/bin/check_holdfast
t_unit_judge_LDADD = $(CHECK_HOLDFAST_LIBS)

check_PROGRAMS += t/unit/health
t_unit_health_SOURCES = %D%/health.c %D%/tap.h
t_unit_health_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/bin/consoled
t_unit_health_LDADD = bin/consoled/libconsoled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/alert
t_unit_alert_SOURCES = %D%/alert.c %D%/tap.h
t_unit_alert_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/bin/alertd
t_unit_alert_LDADD = bin/alertd/libalertd.a $(COMMON_LIBS)
check_PROGRAMS += t/unit/debounce
t_unit_debounce_SOURCES = %D%/debounce.c %D%/tap.h
t_unit_debounce_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/expr
t_unit_expr_SOURCES = %D%/expr.c %D%/tap.h
t_unit_expr_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/procs
t_unit_procs_SOURCES = %D%/procs.c %D%/tap.h
t_unit_procs_LDADD = bin/checkd/libcheckd.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/rules
t_unit_rules_SOURCES = %D%/rules.c %D%/tap.h
t_unit_rules_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/space
t_unit_space_SOURCES = %D%/space.c %D%/tap.h
t_unit_space_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/bin/mirrord
t_unit_space_LDADD = $(MIRRORD_LIBS) -lm

check_PROGRAMS += t/unit/disk
t_unit_disk_SOURCES = %D%/disk.c %D%/tap.h
t_unit_disk_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/bin/moduled
t_unit_disk_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

check_PROGRAMS += t/unit/newproc
t_unit_newproc_SOURCES = %D%/newproc.c %D%/tap.h
t_unit_newproc_LDADD = bin/checkd/libcheckd.a $(COMMON_LIBS)
check_PROGRAMS += t/unit/journal
t_unit_journal_SOURCES = %D%/journal.c %D%/tap.h
t_unit_journal_LDADD = $(COMMON_LIBS)

check_PROGRAMS += t/unit/flap
t_unit_flap_SOURCES = %D%/flap.c %D%/tap.h
t_unit_flap_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)

if BPF
check_PROGRAMS += t/unit/farm-bpf
t_unit_farm_bpf_SOURCES = %D%/farm-bpf.c %D%/farm-frame.h %D%/tap.h
t_unit_farm_bpf_LDADD = $(FARMD_LIBS)
t_unit_farm_bpf_DEPENDENCIES = $(bpf_DATA) bin/farmd/libfarmd.a
endif

check_PROGRAMS += t/unit/hash
t_unit_hash_SOURCES = %D%/hash.c %D%/tap.h
t_unit_hash_LDADD = $(FARMD_LIBS)

check_PROGRAMS += t/unit/filter-nft-text
t_unit_filter_nft_text_SOURCES = %D%/filter-nft-text.c %D%/tap.h
t_unit_filter_nft_text_LDADD = $(FARMD_LIBS)

noinst_PROGRAMS += t/unit/changes
t_unit_changes_SOURCES = %D%/changes.c
t_unit_changes_LDADD = bin/moduled/libmoduled.a $(COMMON_LIBS)
