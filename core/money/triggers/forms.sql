create or replace trigger record_form_cash after insert or update of version, cash_collected,
  currency, payment_type, package_id
  on app.post_call_forms for each row execute function app.record_form_cash();
create or replace trigger withdraw_form_cash before delete on app.post_call_forms
  for each row execute function app.withdraw_form_cash();
