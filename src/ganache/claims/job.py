"""A claim at one size, and the files of its units, which keep each measurement together with its protocol."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ganache.claims.claim import MIN_SEEDS, Claim, Measurement, Numbers, Settings, Size, Unit
from ganache.claims.stored import StoredUnit, encoded, read_unit
from ganache.core import old_names
from ganache.core.storage import write_json
from ganache.errors import CheckpointError, ConfigError
from ganache.runs.named import public_name

FINGERPRINT = "fingerprint"
"""The setting of an experiment on real pictures that says what they are."""

SHARED = "trainings-"
"""What the name of a folder of measurements begins with if several claims judge them; then follows the experiment's."""


@dataclass(frozen=True)
class Job:
    """One claim at the requested size."""

    claim: Claim[Any]
    settings: Settings
    size: Size
    folder: Path
    """The folder of this claim, `OUT/NAME`."""
    units_folder: Path
    """The folder of its measurements, which claims of the same experiment share."""

    @classmethod
    def create(cls, claim: Claim[Any], settings: Settings, out: Path) -> Job:
        """Return the job of a claim with these settings; `out` is the folder of all claims."""
        size = claim.size(settings)
        if not claim.variants(size):
            raise ConfigError(f"The claim {claim.name} has no variants: its `variants` has to return at least one.")
        units = out / (f"{SHARED}{claim.experiment}" if claim.experiment else claim.name) / "units"
        return cls(claim, settings, size, out / claim.name, units)

    @property
    def units(self) -> list[Unit]:
        return self.claim.units(self.size, self.seeds)

    @property
    def seeds(self) -> int:
        """The number of seeds: as many as the user asked for, as are measured already, and as the claim needs if that
        could decide a claim."""
        asked = self.settings.seeds
        if self.settings.quick or asked < MIN_SEEDS or not self.claim.seeded:
            return asked
        return max(asked, self.claim.fewest_seeds, self.measured_seeds())

    def measured_seeds(self) -> int:
        """Return how many seeds, from the first one on, have measurements of all variants."""
        seeds = 0
        while all(self.path(Unit(variant, seeds)).is_file() for variant in self.claim.variants(self.size)):
            seeds += 1
        return seeds

    @property
    def command(self) -> str:
        """The command line that runs this claim with these settings."""
        data = [f"{kind}={source}" for kind, source in self.settings.data.items()]
        words = ["ganache", "claims", self.claim.name]
        words += ["--quick"] if self.settings.quick else []
        words += ["--seeds", str(self.seeds)] + (["--data", *data] if data else [])
        return shlex.join([*words, "--out", str(self.folder.parent)])

    def path(self, unit: Unit) -> Path:
        return self.units_folder / f"{unit.key}.json"

    def protocol(self) -> Numbers:
        """Return everything that a measurement depends on, besides its unit, as plain data.

        Pictures have a name in it and no path: their fingerprint says what they are.
        """
        plain: Numbers = json.loads(json.dumps(asdict(self.size)))
        return plain | ({"source": public_name(plain["source"])} if plain.get(FINGERPRINT) else {})

    def missing(self) -> list[Unit]:
        """Return the units without a measurement. Raises CheckpointError if others have a different protocol."""
        return [unit for unit in self.units if self.read(unit) is None]

    def read(self, unit: Unit) -> StoredUnit | None:
        """Return the stored measurement of a unit, or None. Raises CheckpointError if it cannot be used."""
        kept = read_unit(self.path(unit))
        if kept is None:
            return None
        if (kept.variant, kept.seed) != (unit.variant, unit.seed):
            raise CheckpointError(
                f"{self.path(unit)} holds the measurement of {kept.variant}, seed {kept.seed}: delete it to measure "
                "again."
            )
        before, now = old_names.claim_size(kept.protocol), self.protocol()
        if before.get(FINGERPRINT) and before[FINGERPRINT] == now.get(FINGERPRINT):
            before["source"] = now["source"]  # the same pictures, wherever they are now
        if before != now:
            changed = sorted(name for name in before | now if before.get(name) != now.get(name))
            raise CheckpointError(
                f"{self.units_folder} holds measurements of another size or of other data ({', '.join(changed)}): "
                "choose another folder with --out, or delete this one."
            )
        return kept

    def write(
        self, unit: Unit, numbers: Numbers, seconds: float, machine: dict[str, str], estimated: float = 0.0
    ) -> None:
        """Store a measurement atomically, with its protocol, the machine and the estimated seconds."""
        self.path(unit).parent.mkdir(parents=True, exist_ok=True)
        kept = {"variant": unit.variant, "seed": unit.seed, "seconds": round(seconds, 3), "machine": machine}
        kept |= {"estimated": round(estimated, 3), "protocol": self.protocol(), "numbers": numbers}
        write_json(self.path(unit), encoded(kept))

    def measured(self) -> list[Measurement]:
        """Return all stored measurements; every unit must have one."""
        kept = [(unit, self.read(unit)) for unit in self.units]
        return [Measurement(unit, each.numbers, each.seconds) for unit, each in kept if each is not None]
