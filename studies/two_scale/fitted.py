"""The fitted set of parameters as a file: values, their covariance, and where they come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import numpy as np
import tomlkit
from numpy.typing import NDArray

from microstructure.errors import StudyError
from microstructure.files import whole_file
from microstructure.materials import UNITS
from microstructure.units import shown
from studies.contact_law import CONTACT_LAW, FACE_CONSTANTS
from studies.study import Study, read_toml, with_constants
from studies.two_scale.calibration import Calibration, draw_parameters, fitted_parameters

SHIPPED = "fitted.toml"
LARGEST = 1e300  # beyond it a whole number is no float any more
ROUNDED = 1e-3  # relative: covariances of older files have four digits


@dataclass(frozen=True, eq=False)
class FittedSet:
    """Six parameters, the covariance of their logarithms, and one line for each on what fixed it."""

    values: dict[str, float] = field(metadata={"unit": "SI"})
    covariance: NDArray[np.float64] = field(repr=False, metadata={"shape": "(6, 6)"})
    provenance: str

    def draw(self, rng: np.random.Generator, study: Study) -> dict[str, float]:
        """Parameters as likely as any others under what fixed them, within their ranges [SI]."""
        return draw_parameters(self.values, self.covariance, study, rng)


def load_fitted(path: Path | None = None) -> FittedSet:
    """Read a fitted set; the shipped one if no path is given.

    Raises
    ------
    StudyError
        If there is no such file, or it is not as `write_fitted` writes it.
    """
    table = read_toml(resources.files("studies").joinpath(SHIPPED) if path is None else path)
    name = SHIPPED if path is None else path.name
    try:
        found = table["values"]
        law = next((law for law, (fitted, *_) in FACE_CONSTANTS.items() if fitted in found), CONTACT_LAW)
        values = {parameter: _plain(found[parameter]) for parameter in fitted_parameters(law)}
        covariance = np.array([[_plain(value) for value in row] for row in table["covariance"]], float)
        provenance = table["provenance"]
        if not isinstance(provenance, str):
            raise TypeError(f"provenance is text; got {shown(provenance)}")
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(f"{name} is no fitted set of percoat ({error}): write one with percoat calibrate") from None
    for parameter, value in values.items():
        if not 0.0 < value < np.inf:
            raise StudyError(f"the value of {parameter} in {name} must be positive and finite; got {value!r}")
    count = len(values)
    if covariance.shape != (count, count) or not _positive_definite(covariance):
        raise StudyError(f"the covariance in {name} must be symmetric and positive definite, {count} by {count}")
    return FittedSet(values, covariance, provenance)


def write_fitted(calibration: Calibration, path: Path, provenance: str) -> None:
    """Write a calibration as a file that `percoat screen --fitted` reads; a whole file or none."""
    with whole_file(path) as temporary:
        temporary.write_text(fitted_text(calibration, provenance), "utf-8")


def fitted_text(calibration: Calibration, provenance: str) -> str:
    """A fitted set as TOML."""
    file = tomlkit.document()
    file["provenance"] = provenance
    file.add(tomlkit.nl())
    file.add(tomlkit.comment("of the logarithms, in the order of [values]"))
    file["covariance"] = tomlkit.array()
    for row in calibration.covariance:
        file["covariance"].add_line([float(f"{value:.9g}") for value in row], indent="  ")
    file["covariance"].add_line(indent="")
    file["values"] = tomlkit.table()
    file["values"].comment("SI")
    for (name, value), error in zip(calibration.values.items(), calibration.errors, strict=True):
        target, unit = calibration.targets[name], UNITS[name.split(".")[1]]
        number = tomlkit.item(float(f"{value:.6g}"))
        number.comment(f"{unit}, within {error:.0%}; fixed by {target.name} = {target.value:g}")
        file["values"][name] = number
    return tomlkit.dumps(file)


def with_fitted(study: Study, values: Mapping[str, float]) -> Study:
    """The study with the fitted values, where it has none of its own.

    Raises
    ------
    StudyError
        If they were fitted under another law of contacts between blocks.
    """
    wanted = fitted_parameters(study.carbon.contact_law)
    other = [name for name in values if name not in wanted]
    if other:
        raise StudyError(
            f"the fitted set has {other[0]}, a study with carbon.contact_law = '{study.carbon.contact_law}' wants"
            f" {wanted[-2]}: fit one for it with percoat calibrate --out, and give it with --fitted"
        )
    own = {f"{group}.{key}" for group, constants in study.materials.items() for key in constants}
    return with_constants(study, {name: value for name, value in values.items() if name not in own})


def _plain(value: object) -> float:
    """A number as it is: nothing is made of text."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"a plain number is wanted, without quotes; got {shown(value)}")
    if isinstance(value, int) and abs(value) > LARGEST:
        return math.inf
    return float(value)


def _positive_definite(covariance: NDArray[np.float64]) -> bool:
    if not np.isfinite(covariance).all():
        return False
    skew = np.abs(covariance - covariance.T).max()
    if skew > ROUNDED * np.abs(covariance).max():
        return False
    return bool(np.linalg.eigvalsh(covariance).min() > 0.0)
