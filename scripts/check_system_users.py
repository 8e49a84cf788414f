"""Checks rendered Nomad jobs (JSON documents on standard input) against the system users in a sysusers.d file: each task runs
as the user of its service, and its secrets are readable by this user alone."""

import json
import sys


def ids(path: str) -> dict[str, int]:
    """Returns the users' ids, which are those of their groups."""
    with open(path, encoding="utf-8") as lines:
        users = [line.split()[1:3] for line in lines if line.startswith("u ")]
    result = {name: int(id_.split(":")[0]) for name, id_ in users}
    assert all(id_ == f"{result[name]}:{result[name]}" for name, id_ in users), users
    assert len(set(result.values())) == len(result), f"two users have the same id: {result}"
    return result


def documents(text: str):
    """Yields concatenated JSON documents."""
    decoder, position = json.JSONDecoder(), 0
    while text[position:].strip():
        position += len(text[position:]) - len(text[position:].lstrip())
        document, position = decoder.raw_decode(text, position)
        yield document


def check(job: dict, uid_of: dict[str, int]) -> int:
    """Checks the tasks of a job, and returns their number."""
    tasks = [task for group in job["TaskGroups"] for task in group["Tasks"]]
    for task in tasks:
        service = task["Name"] if job["ID"] == "ticketing-backup" else job["ID"].removeprefix("ticketing-")
        name = f"ticketing-{service}"
        uid = uid_of[name]
        where = f"{job['ID']}, task {task['Name']}, {task['Driver']}"
        expected = f"{uid}:{uid}" if task["Driver"] == "docker" else name
        assert task["User"] == expected, f"{where}: runs as {task['User']}, not {expected}"
        for template in task["Templates"] or []:
            if template["DestPath"].startswith("secrets/"):
                access = (template["Perms"], template["Uid"], template["Gid"])
                assert access == ("0400", uid, uid), f"{where}: {template['DestPath']} has {access}"
    return len(tasks)


def main() -> None:
    uid_of = ids(sys.argv[1])
    counts = [check(document["Job"], uid_of) for document in documents(sys.stdin.read())]
    # Three drivers: six services with restore, Litestream and the service itself; the storefront; six proofs of backups.
    assert sum(counts) == 3 * (6 * 3 + 1 + 6), counts


main()
