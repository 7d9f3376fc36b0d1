import pytest

from exporter.pgbackrest.redaction import redacted


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("--repo1-s3-key-secret=hunter2 more", "--repo1-s3-key-secret=<redacted> more"),
        ("GET https://me:hunter2@s3.example/x", "GET https://<redacted>@s3.example/x"),
        ("missing '=' in key/value at line 4: hunter2", "missing '=' in key/value at line 4"),
        ("the cipher says hunter2", "the cipher says <redacted>"),
        (
            "path /srv/keys/repo1 is missing at line 4: [demo]",
            "path /srv/keys/repo1 is missing at line 4: [demo]",
        ),
    ],
)
def test_a_secret_is_known_by_its_name_its_place_or_its_value(
    said: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGBACKREST_REPO1_CIPHER_PASS", "hunter2")
    monkeypatch.setenv("PGBACKREST_REPO1_S3_KEY_TYPE", "/srv")
    assert redacted(said) == shown
