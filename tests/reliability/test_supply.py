"""What bandit finds, and dependencies that are not pinned with hashes."""

from pathlib import Path

from tests.reliability.supply import ROOMS, dependencies, findings, pinned, unhashed, wanted

_HASH = f"--hash=sha256:{'0a' * 32}"


def test_bandit_finds_nothing_of_medium_or_high_severity_in_the_program() -> None:
    assert findings(ROOMS) == []


def test_every_dependency_is_pinned_with_hashes() -> None:
    number, loose = dependencies()
    assert loose == []
    assert number > 100


def test_what_bandit_finds_cannot_read_or_is_told_to_pass_over_without_a_reason_is_told(tmp_path: Path) -> None:
    query = 'connection.execute(f"SELECT * FROM {name}")'
    (tmp_path / "store.py").write_text(
        f"{query}\n{query}  # nosec\n{query}  # nosec B608\n{query}  # nosec B608 - `name` is one of ours\n"
    )
    (tmp_path / "torn.py").write_text("def (:\n")
    found = [one.removeprefix(f"{tmp_path}/") for one in findings([tmp_path])]
    assert [one[:15] for one in found] == ["store.py:1: B60", "torn.py: syntax", "store.py:2: pas", "store.py:3: pas"]


def test_what_is_not_pinned_with_a_hash_is_told() -> None:
    text = "\n".join(
        [
            "# a comment",
            f"good-one==1.0 ; sys_platform == 'linux' \\\n    {_HASH} \\\n    {_HASH}\n    # via another",
            f"Good_Two==2.1 {_HASH}",
            "naked==1.0",
            f"wild==1.* {_HASH}",
            f"ranged>=1.0 {_HASH}",
            "short==1.0 --hash=sha256:0a0a",
            "weak==1.0 --hash=md5:0a0a",
            "linked @ ./linked.whl",
            "--find-links ./wheels",
        ]
    )
    names, loose = pinned(text)
    assert names == {"good-one", "good-two"}
    assert [one.split()[0].split("=")[0].rstrip(">") for one in loose] == [
        "naked",
        "wild",
        "ranged",
        "short",
        "weak",
        "linked",
        "--find-links",
    ]


def test_what_a_project_names_is_wanted_whatever_it_is_for() -> None:
    assert wanted(
        '[build-system]\nrequires = ["hatchling>=1"]\n[project]\ndependencies = ["Some.Thing[x]>=1,<2"]\n'
        '[project.optional-dependencies]\ntls = ["trustme"]\n[dependency-groups]\ndev = ["ruff>=1"]\n'
    ) == {"hatchling", "some-thing", "trustme", "ruff"}


def test_a_package_of_npm_without_a_hash_is_told() -> None:
    good = f'{{"version": "1.0.0", "integrity": "sha512-{"A" * 86}=="}}'
    assert unhashed(f'{{"packages": {{"": {{}}, "good": {good}, "bad": {{"version": "1.0.0"}}}}}}') == (2, ["bad"])
