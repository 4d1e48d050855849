-- Everything that would let a user in, or in again: sign-ins, links to a new password, and the invitations that they sent.
create or replace function app.end_access(p_user uuid) returns void language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
begin
  perform app.end_sign_ins(p_user, null);
  update app.invitations i set revoked_at = now() where i.invited_by = p_user and i.accepted_at is null and i.revoked_at is null;
end $f$;

-- One after the other, so that two super admins cannot put each other out at once and leave none.
create or replace function app.demand_super_admin_alone() returns void language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
begin
  perform pg_advisory_xact_lock(hashtextextended('users of the platform', 0));
  perform app.demand_super_admin();
end $f$;

revoke all on function app.end_access(uuid), app.demand_super_admin_alone() from public;
