-- Texts as core/platform/normalization.py compares them, which has the same list of characters that
-- are not seen. Without those, and each accent one character with its letter.
create or replace function app.composed(p_text text) returns text language sql immutable
set search_path = pg_catalog, pg_temp as $f$
  select normalize(regexp_replace(p_text,
    '[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4'
    '\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f'
    '\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-'
    '\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]',
    '', 'g'), nfc)
$f$;
grant execute on function app.composed to so_app, so_worker;

-- An address as it is compared, but for its domain: SQL knows no punycode, so it is given every
-- spelling that is looked for.
create or replace function app.comparable(p_text text) returns text language sql immutable
set search_path = pg_catalog, pg_temp as $f$
  select btrim(normalize(lower(replace(translate(app.composed(p_text),
      '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼'
      '］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～',
      '!"#$%&''()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ['
      '\]^_`abcdefghijklmnopqrstuvwxyz{|}~'),
    'İ', E'i\u0307')), nfc), E' \t\n\r\f\v')
$f$;
grant execute on function app.comparable to so_app, so_worker;

-- A name or a question as it is compared.
create or replace function app.folded(p_text text) returns text language sql immutable
set search_path = pg_catalog, pg_temp as $f$
  select btrim(regexp_replace(normalize(replace(replace(
      lower(replace(normalize(app.composed(p_text), nfkc), 'İ', E'i\u0307')),
      'ß', 'ss'), 'ς', 'σ'), nfkc), '[\s\x1c-\x1f_-]+', ' ', 'g'))
$f$;
grant execute on function app.folded to so_app, so_worker;
