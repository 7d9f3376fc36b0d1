"""The mutants that live, each with the reason why no case can or need notice it."""

_TOLD = "the value is only told: the window is 0 seconds long where there is none"
_A_DAY = "that no test is on record must last for a day, and a look-back bridges 15 minutes"

WHY: dict[str, str] = {
    f"RecoveryWindowShort/{severity}: line 8: {change}": _TOLD
    for severity in ("warning", "critical")
    for change in ("'0' becomes '1'", "'*' becomes '/'")
} | {
    "RestoreTestNeverRun/warning: line 6: no look-back on pgbackrest_restore_test_last_run_timestamp_seconds": _A_DAY,
}
