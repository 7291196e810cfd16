"""`ganache diagnose`: whether a run works, in words."""

from __future__ import annotations

from tyro.conf import Positional


def diagnose(run: Positional[str], json: bool = False) -> None:
    """Tell whether a run works: what is wrong, the evidence, and what to try.

    It reads only the log of the run, so you can use it during the training.

    Args:
        run: The run's folder, or RUN@STEP to judge it as it was then.
        json: Print JSON.
    """
    from ganache.runs.diagnose import critic_loss_finding, describe_no_finding, describe_probes, findings
    from ganache.runs.folder import at_step, find_checkpoint, require_run
    from ganache.runs.log import read

    folder, which = at_step(run)
    require_run(folder)
    log = read(folder / "log.jsonl")
    if which != "last":
        step = int(find_checkpoint(folder, which).stem)
        log = [line for line in log if line["step"] <= step]
    found, loss = findings(log), critic_loss_finding(log)
    if json:
        from json import dumps

        plain = {"findings": [finding.to_json() for finding in found], "critic_loss": loss and loss.to_json()}
        print(dumps(plain, indent=2))
        return
    for finding in found:
        print(f"{finding.severity}: {finding.sentence}\n  Evidence: {finding.evidence}\n  Try: {finding.advice}\n")
    if not found:
        print(describe_no_finding(log))
    if loss is not None:
        print(f"{loss.sentence}\n  Evidence: {loss.evidence}\n  Try: {loss.advice}\n")
    for line in log:
        if "notice" in line:
            print(f"At step {line['step']:,}: {line['notice']}" if line["step"] else line["notice"])
    print(describe_probes(log))
