"""`ganache diagnose`: whether a run works, in words."""

from __future__ import annotations

from tyro.conf import Positional


def diagnose(run: Positional[str], json: bool = False) -> None:
    """Tell whether a run works: what is wrong with it, by what one sees it, and what to try.

    It reads the run's log alone, so it may be asked while the run goes on.

    Args:
        run: The run's folder.
        json: Print JSON.
    """
    from pathlib import Path

    from ganache.errors import CheckpointError
    from ganache.runs.diagnose import critic_loss_finding, describe_probes, findings
    from ganache.runs.folder import read_config
    from ganache.runs.log import read

    if read_config(Path(run)) is None:
        raise CheckpointError(f"{run} is no run: give the folder that `ganache train` wrote.")
    log = read(Path(run) / "log.jsonl")
    found, loss = findings(log), critic_loss_finding(log)
    if json:
        from json import dumps

        print(dumps({"findings": [each.to_json() for each in found], "critic_loss": loss and loss.to_json()}, indent=2))
        return
    for each in found:
        print(f"{each.severity}: {each.sentence}\n  Seen: {each.evidence}\n  Try: {each.advice}\n")
    if not found:
        looked = any("probe" in line for line in log)
        print("Nothing is wrong, as far as one can see." if looked else "Nothing can be told yet.")
    if loss is not None:
        print(f"{loss.sentence}\n  Seen: {loss.evidence}\n  Try: {loss.advice}\n")
    for line in log:
        if "notice" in line:
            print(f"At step {line['step']:,}: {line['notice']}")
    print(describe_probes(log))
