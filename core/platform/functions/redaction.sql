-- Texts and JSON values without what identifies a person.

-- Whether a word identifies a person wherever it appears: a full name or a phone number does, "Ana"
-- does not.
create or replace function app.is_telling(p_word text) returns boolean language sql immutable
set search_path = pg_catalog, pg_temp as $f$
  select p_word ~ '\S\s+\S' or length(p_word) > 12 or p_word ~ '^\+?[0-9][0-9 ().-]{6,}$'
$f$;

-- Free text without a person's addresses and without the words for them. p_words are in lower case;
-- a word that does not identify the person by itself is removed only where it is the whole text.
create or replace function app.without_person(p_text text, p_emails text[], p_words text[],
  p_pseudonym text)
returns text language plpgsql immutable set search_path = pg_catalog, pg_temp as $f$
declare
  known text;
  made text := p_text;
  plain text := app.composed(p_text);
begin
  if app.comparable(made) = any (p_words) then
    return '…';
  end if;
  -- Only a text about the person is changed: any other has its characters that are not seen, and
  -- its wide letters.
  if exists (select 1 from unnest(p_emails || p_words) w
              where (w = any (p_emails) or app.is_telling(w))
                and strpos(app.comparable(made), w) > 0 and strpos(lower(made), w) = 0) then
    made := case when exists (select 1 from unnest(p_emails || p_words) w
                               where (w = any (p_emails) or app.is_telling(w))
                                 and strpos(app.comparable(made), w) > 0
                                 and strpos(lower(plain), w) = 0) then app.comparable(made)
                                   else plain end;
  end if;
  foreach known in array p_emails loop
    made := regexp_replace(made, regexp_replace(known, '([^[:alnum:]@_-])', '\\\1', 'g'),
      p_pseudonym, 'gi');
  end loop;
  foreach known in array p_words loop
    if app.is_telling(known) then
      made := regexp_replace(made, regexp_replace(known, '([^[:alnum:][:space:]])', '\\\1', 'g'),
        '…', 'gi');
    end if;
  end loop;
  return made;
end $f$;

-- The same for everything inside a JSON value. An object that contains the person's address is
-- about them, so its other details about them are removed too, in the fields that the providers
-- declare (core/people/payload_fields.py). Of a booking's answers only the one that names the
-- setter stays.
create or replace function app.redacted(p jsonb, p_emails text[], p_words text[], p_pseudonym text,
  p_question text, p_about boolean default false)
returns jsonb language plpgsql immutable set search_path = pg_catalog, pg_temp as $f$
declare
  about boolean;
  part record;
  made jsonb := '{}';
  persons text[] := app.person_objects();
begin
  if jsonb_typeof(p) = 'string' then
    return to_jsonb(app.without_person(p #>> '{}', p_emails, p_words, p_pseudonym));
  elsif jsonb_typeof(p) = 'array' then
    return coalesce((select jsonb_agg(app.redacted(e.value, p_emails, p_words, p_pseudonym,
      p_question) order by e.n)
                       from jsonb_array_elements(p) with ordinality as e(value, n)), '[]');
  elsif jsonb_typeof(p) <> 'object' then
    return p;
  end if;
  about := p_about or exists (
    select 1 from jsonb_each(p) f where app.comparable(f.value #>> '{}') = any (p_emails)
        or (f.key = any (persons) and jsonb_typeof(f.value) = 'object'
            and exists (select 1 from jsonb_each(f.value) g
              where app.comparable(g.value #>> '{}') = any (p_emails))));
  for part in select f.key, f.value from jsonb_each(p) f loop
    made := made || jsonb_build_object(part.key, case
      when about and part.key = any (app.person_names()) and jsonb_typeof(part.value) = 'string'
        then '"Erased person"'::jsonb
      when about and part.key = any (app.person_details()) then 'null'::jsonb
      when about and part.key = 'questions_and_answers'
        then app.redacted(app.redacted_answers(part.value, p_question), p_emails, p_words,
          p_pseudonym, p_question)
      else app.redacted(part.value, p_emails, p_words, p_pseudonym, p_question, about
        and part.key = any (persons)) end);
  end loop;
  return made;
end $f$;

create or replace function app.redacted_answers(p jsonb, p_question text) returns jsonb language sql
immutable set search_path = pg_catalog, pg_temp as $f$
  select coalesce(jsonb_agg(case when app.folded(e.value ->> 'question') = app.folded(p_question)
    then e.value
                                 else e.value || '{"answer": "…"}' end order by e.n), '[]')
    from jsonb_array_elements(case jsonb_typeof(p) when 'array' then p
      else '[]' end) with ordinality as e(value, n)
$f$;

grant execute on function app.is_telling, app.without_person, app.redacted,
  app.redacted_answers to so_worker;
