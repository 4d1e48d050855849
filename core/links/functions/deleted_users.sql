-- Revokes the links of a deleted user's closer and setter rows.
create or replace function app.revoke_links() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $f$
begin
  update app.access_tokens t set revoked_at = now()
   where t.revoked_at is null and (exists (select 1 from app.closers c
     where (c.organization_id, c.id) = (t.organization_id, t.closer_id) and c.user_id = old.id)
         or exists (select 1 from app.setters s
           where (s.organization_id, s.id) = (t.organization_id, t.setter_id)
           and s.user_id = old.id));
  return new;
end $f$;
grant execute on function app.revoke_links to so_owner;
