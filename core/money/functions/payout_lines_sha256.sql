-- The fingerprint of a payout's lines: the SHA-256, in hexadecimal, of one JSON array of texts for
-- each line, ordered by id and separated by line feeds (docs/architecture.md, "Payouts"). What an
-- erasure may replace is left out: who paid, and in whose words a line was held back.
create or replace function app.payout_lines_sha256(p_snapshot uuid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $f$
  select encode(sha256(convert_to(coalesce(string_agg(jsonb_build_array(
           d.id::text, d.payment_id::text, d.kind, d.reason_code, d.reason,
           to_char(d.line_date at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           to_char(d.payment_date at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           d.processor, d.processor_payment_id, d.currency, d.amount::text,
           d.refund_amount::text, d.event_id::text, d.closer_id::text, d.closer_name,
           d.setter_id::text, d.setter_name, d.source_id::text, d.source_name,
           d.package_id::text, d.package_name, d.attribution_method,
           array_to_string(d.refund_ids, ','), array_to_string(d.corrects, ','),
           case when d.held_back is null then 'counted' else 'held back' end)::text,
         E'\n' order by d.id), ''), 'UTF8')), 'hex')
    from app.payout_snapshot_details d
   where d.organization_id = app.cur_org() and d.snapshot_id = p_snapshot
$f$;
grant execute on function app.payout_lines_sha256 to so_app, so_worker;
