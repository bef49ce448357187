"""The same tests pass with chanx's test case and with ours."""

import os
import subprocess
import sys
from pathlib import Path

from django.test import SimpleTestCase

HERE = Path(__file__).parent


class ImportTests(SimpleTestCase):
    def test_changed_import(self) -> None:
        """`test_changed_import.py` passes by either import, and by no other change."""
        for base in ("chanx", "wstest_django"):
            with self.subTest(base=base):
                ran = subprocess.run(
                    [sys.executable, "manage.py", "test", "test_changed_import"],
                    env={**os.environ, "WSTEST_BASE": base},
                    capture_output=True,
                    text=True,
                    cwd=HERE,
                    check=False,
                )
                assert ran.returncode == 0, ran.stderr
                assert "Ran 30 tests" in ran.stderr, ran.stderr

    def test_rest_framework_is_not_needed(self) -> None:
        """Nor chanx: our test cases are there without both."""
        script = (
            "import sys, django, wstest_django; django.setup();"
            "from wstest_django import WebsocketTestCase;"
            "print(sorted({'rest_framework', 'chanx', 'humps'} & {*sys.modules}))"
        )
        ran = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "project.plain_settings"},
            capture_output=True,
            text=True,
            cwd=HERE,
            check=True,
        )
        assert ran.stdout.strip() == "[]"
