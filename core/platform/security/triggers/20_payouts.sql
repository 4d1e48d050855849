create or replace trigger keep_snapshot before update or delete on app.payout_snapshots
  for each row execute function app.keep_snapshot();
create or replace trigger keep_snapshot_rows before insert or update or delete on app.payout_snapshot_details
  for each row execute function app.keep_snapshot_rows();
create or replace trigger keep_snapshot_rows before insert or update or delete on app.payout_snapshot_summaries
  for each row execute function app.keep_snapshot_rows();
