"""Hold compiled requirements against an advisory database: `python .ci/audit.py FILE...`.

Exit codes: 0 nothing known, 1 known vulnerabilities, 2 the database was not reached, or did not
know all packages: nothing was proved. pip-audit alone would pass then.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_TIMEOUT_S = 600


def audit(requirements: Path, pip_audit: Path) -> dict[str, Any] | None:
    """What pip-audit reports; None where it wrote no report, after what it said instead."""
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        done = subprocess.run(  # noqa: S603 - our own command line, no shell
            [
                *(str(pip_audit), "--requirement", str(requirements), "--disable-pip"),
                *("--require-hashes", "--progress-spinner", "off"),
                *("--format", "json", "--output", str(report)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
        if report.exists():
            return json.loads(report.read_text())
        print(done.stderr[-2000:], file=sys.stderr)
        return None


def judge(report: dict[str, Any] | None) -> tuple[int, list[str]]:
    """Exit code and lines of a report."""
    if report is None:
        return 2, ["the advisory database was not reached: nothing was audited"]
    packages = report["dependencies"]
    skipped = [each["name"] for each in packages if "vulns" not in each]
    found = [
        f"{each['name']} {each['version']}: {bug['id']}, mended in "
        f"{', '.join(bug['fix_versions']) or 'no release yet'}"
        for each in packages
        for bug in each.get("vulns", ())
    ]
    if found:
        return 1, found
    if skipped or not packages:
        return 2, [
            f"the advisory database knows nothing of {len(skipped)} of {len(packages)} packages: "
            "nothing was proved; run it where the database can be reached"
        ]
    return 0, [f"{len(packages)} packages, no known vulnerability"]


def main() -> int:
    """Audit every file; the worst exit code."""
    codes = [0]
    for name in sys.argv[1:]:
        code, lines = judge(audit(Path(name), Path(sys.executable).with_name("pip-audit")))
        codes.append(code)
        for line in lines:
            print(f"{name}: {line}")
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
