"""What the database's own catalogue says about rights; covers tables and functions that are not
written yet.
"""

import pytest
from sqlalchemy import text

from core.migrations.tables import metadata
from tests.ports import owner

ROLES = ("so_app", "so_worker", "so_owner", "so_definer", "so_backup")


def asked(query, **values):
    with owner() as db:
        return db.execute(text(query), values).all()


def test_every_table_declares_a_security_class_and_forces_row_level_security():
    unprotected = asked("""
        select relname from pg_class where relnamespace = 'app'::regnamespace and relkind in ('r',
          'p')
           and not (relrowsecurity and relforcerowsecurity) and relname <> 'alembic_version'
    """)
    assert unprotected == []
    assert [table.name for table in metadata.sorted_tables if "rls" not in table.info] == []


def test_the_products_roles_have_no_power_and_own_nothing_they_use():
    powers = asked(
        """
        select rolname from pg_roles where rolname = any(:roles)
           and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
    """,
        roles=list(ROLES),
    )
    owned = asked("""
        select c.relname from pg_class c join pg_roles r on r.oid = c.relowner
          where r.rolname in ('so_app', 'so_worker')
         union all select p.proname from pg_proc p join pg_roles r on r.oid = p.proowner
           where r.rolname in ('so_app', 'so_worker')
    """)
    grown = asked("""
        select member.rolname from pg_auth_members m join pg_roles member on member.oid = m.member
         where member.rolname in ('so_app', 'so_worker')
    """)
    assert (powers, owned, grown) == ([], [], [])


def test_every_function_with_anothers_rights_pins_its_search_path():
    loose = asked("""
        select proname from pg_proc where pronamespace in ('app'::regnamespace,
          'jobs'::regnamespace) and prosecdef
           and not exists (select 1 from unnest(coalesce(proconfig, '{}')) c
             where c like 'search_path=%pg_temp')
    """)
    assert loose == []


def test_the_public_may_run_and_read_nothing():
    runs = asked("""
        select p.proname from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f',
          p.proowner))) a
         where p.pronamespace in ('app'::regnamespace, 'jobs'::regnamespace) and a.grantee = 0
    """)
    reads = asked("""
        select c.relname from pg_class c, aclexplode(c.relacl) a
          where c.relnamespace = 'app'::regnamespace and a.grantee = 0
    """)
    assert (runs, reads) == ([], [])


def test_every_key_of_an_organizations_table_starts_with_the_organization():
    tenant = [
        table
        for table in metadata.sorted_tables
        if "organization_id" in table.columns and table.info["rls"] != "auth"
    ]
    assert [
        table.name for table in tenant if next(iter(table.primary_key)).name != "organization_id"
    ] == []


def test_no_reference_can_cross_organizations():
    crossing = asked("""
        select c.conrelid::regclass::text, c.conname from pg_constraint c
         where c.contype = 'f' and c.connamespace = 'app'::regnamespace
           and exists (select 1 from pg_attribute a where a.attrelid = c.confrelid
             and a.attname = 'organization_id'
                          and exists (select 1 from pg_constraint k
                            where k.conrelid = c.confrelid and k.contype = 'p'
                                         and a.attnum = any(k.conkey)))
           and not exists (select 1 from pg_attribute a where a.attrelid = c.conrelid
             and a.attname = 'organization_id'
                              and a.attnum = any(c.conkey))
    """)
    assert crossing == []


@pytest.mark.parametrize("column", ["users.password_hash", "vault_secrets.sealed"])
def test_people_cannot_read_what_is_secret(column):
    table, name = column.split(".")
    assert asked(
        "select has_column_privilege('so_app', :table, :name, 'select')",
        table=f"app.{table}",
        name=name,
    ) == [(False,)]


def test_nobody_changes_the_audit_log():
    [rights] = asked("""
        select has_table_privilege('so_app', 'app.audit_logs', 'insert, update, delete, truncate'),
               has_table_privilege('so_worker', 'app.audit_logs',
                 'insert, update, delete, truncate')
    """)
    assert tuple(rights) == (False, False)


def test_every_table_declared_as_audited_has_its_triggers():
    audited = {
        table.name: table.info["rls"] for table in metadata.sorted_tables if table.info.get("audit")
    }
    triggers = asked("""
        select tgrelid::regclass::text, tgname from pg_trigger where tgname like 'zz\\_audit%'
    """)
    assert {(name.removeprefix("app."), trigger) for name, trigger in triggers} == {
        (name, f"zz_audit_{verb}")
        for name, security_class in audited.items()
        for verb in ("insert", "update", "delete")
        if verb == "update" or security_class != "organization_settings"
    }
    assert {
        "organizations",
        "organization_members",
        "user_roles",
        "webhook_connections",
        "organization_integrations",
        "vault_secrets",
        "events",
        "post_call_forms",
        "payments",
        "payout_snapshots",
    } <= set(audited)
