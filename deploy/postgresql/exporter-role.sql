-- The role with which pgbackrest-exporter asks PostgreSQL 12 or later how archiving goes. It reads no table.
--
--   psql --dbname=postgres --set=ON_ERROR_STOP=1 --file=exporter-role.sql     as a superuser, on the primary
--   psql --dbname=postgres --command='\password exporter'                     unless it comes by peer authentication
--
-- It may be run again at any time. The database must be the one that the exporter connects to (without dbname in its
-- connection string: postgres), since rights on functions hold in one database. The password goes into ~/.pgpass of the
-- user that runs the exporter; pg_hba.conf needs a line such as
--
--   hostssl postgres exporter 10.0.0.0/24 scram-sha-256

begin;

do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'exporter') then
        create role exporter;
    end if;
end
$$;

-- One connection is kept for each exporter; a second one is opened where the first was lost.
alter role exporter login connection limit 10;
alter role exporter set default_transaction_read_only = on;

-- The one thing that not everybody may do: list the names and times of the files in pg_wal/archive_status. Membership in
-- pg_monitor would allow it as well, and much more.
grant execute on function pg_catalog.pg_ls_archive_statusdir() to exporter;

do $$
begin
    execute format('grant connect on database %I to exporter', current_database());
end
$$;

commit;
