-- For `restore_tests.canary: true`, on the primary: what the exporter's role needs beyond pg_monitor.
-- pg_logical_emit_message() may be called by everybody; ending a WAL segment may not.
GRANT EXECUTE ON FUNCTION pg_catalog.pg_switch_wal() TO exporter;
