"""The job queue's own schema, and who may touch it."""

import importlib.resources

from alembic import op

from core.platform.schema import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """People's role may only enqueue: the function runs as its owner, the tables stay out
    of reach.
    """
    schema = importlib.resources.files("procrastinate.sql").joinpath("schema.sql").read_text()
    connection = op.get_bind()
    connection.exec_driver_sql("set local search_path = jobs")
    run_script(connection, schema)
    run_script(
        connection,
        """
        revoke all on all functions in schema jobs from public;
        grant execute on all functions in schema jobs to so_worker;
        grant select, insert, update, delete on all tables in schema jobs to so_worker;
        grant usage on all sequences in schema jobs to so_worker;
        do $$ declare f regprocedure; begin
          for f in select p.oid::regprocedure from pg_proc p
            where p.pronamespace = 'jobs'::regnamespace
                    and p.proname like 'procrastinate_defer_jobs%' loop
            execute format('alter function %s security definer set search_path = jobs, pg_temp', f);
            execute format('grant execute on function %s to so_app, so_definer', f);
          end loop;
        end $$;
        grant usage on type jobs.procrastinate_job_to_defer_v1 to so_app, so_worker, so_definer;
        grant usage on schema jobs to so_definer;
        grant insert on jobs.procrastinate_jobs to so_definer;
        grant usage on sequence jobs.procrastinate_jobs_id_seq to so_definer;
        -- NOTIFY holds a lock of the whole database until its commit is on disk, so that
        -- deliveries would wait for each other's commits: workers poll instead. The history of
        -- every job's states is written four times a job and read by nobody.
        drop trigger procrastinate_jobs_notify_queue_job_inserted_v1 on jobs.procrastinate_jobs;
        drop trigger procrastinate_trigger_status_events_insert_v1 on jobs.procrastinate_jobs;
        drop trigger procrastinate_trigger_status_events_update_v1 on jobs.procrastinate_jobs;
        drop trigger procrastinate_trigger_scheduled_events_v1 on jobs.procrastinate_jobs;
    """,
    )
    connection.exec_driver_sql("set local search_path = public")
