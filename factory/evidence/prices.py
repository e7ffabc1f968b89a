"""What computing costs and draws, as people state it in cards/prices.yaml; the factory knows no price by itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from factory.errors import SpecError
from factory.settings import CHECKOUT
from factory.spec_file import explain, read_yaml

FILE = CHECKOUT / "cards" / "prices.yaml"


class Stated(BaseModel):
    """A figure, and where it comes from.

    Attributes:
        date: when it was so.
        source: who says so: an address, a bill.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: date
    source: str = Field(min_length=1)


class CoreHour(Stated):
    """`price` for an hour of one core."""

    price: float = Field(gt=0.0)


class Hosted(Stated):
    """A large model that is sold by the token: `read` a million tokens of prompts, `written` a million of replies."""

    name: str = Field(min_length=1)
    read: float = Field(ge=0.0)
    written: float = Field(ge=0.0)


class Power(Stated):
    """What a busy core draws, in watts, and how often that again all that is around it (PUE): cooling, conversion."""

    core: float = Field(gt=0.0)
    overhead: float = Field(default=1.0, ge=1.0)

    def watt_hours(self, core_hours: float) -> float:
        """What so many hours of a core take; memory is not counted."""
        return core_hours * self.core * self.overhead

    @property
    def sentence(self) -> str:
        """The same for a person."""
        return f"{self.core:g} W a core, {self.overhead:g} times that in all ({self.source}, {self.date})"


class PriceList(BaseModel):
    """Prices in one currency, and power; none is stated where nobody did."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: str = "USD"
    core_hour: CoreHour | None = None
    power: Power | None = None
    hosted: tuple[Hosted, ...] = ()


def read(path: Path = FILE) -> PriceList:
    """The prices in a file; none where there is no file.

    Raises:
        SpecError: it is no price list; names the key.
    """
    if not path.exists():
        return PriceList()
    try:
        return PriceList.model_validate(read_yaml(path))
    except ValidationError as error:
        raise SpecError(
            f"These prices can't be read: {explain(error.errors()[0], PriceList)}.",
            where=str(path),
            fix="The comments at its top show the form.",
        ) from error
