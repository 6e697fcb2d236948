"""Frames of any kind where they enter and leave: pandas, polars, pyarrow, DuckDB; lists of dicts; one dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Dialect:
    """Templates of code lines that correct a frame.

    Attributes
    ----------
    rename, add, melt : str
        With the fields ``frame``, ``old``, ``new`` and ``value``.
    """

    rename: str
    add: str
    melt: str


PANDAS = Dialect(
    rename="{frame} = {frame}.rename(columns={{{old!r}: {new!r}}})",
    add="{frame}[{new!r}] = {value!r}",
    melt="{frame} = {frame}.melt(id_vars={old!r}, var_name='ticker', value_name='close')",
)
POLARS = Dialect(
    rename="{frame} = {frame}.rename({{{old!r}: {new!r}}})",
    add="{frame} = {frame}.with_columns({new}=pl.lit({value!r}))",
    melt="{frame} = {frame}.unpivot(index={old!r}, variable_name='ticker', value_name='close')",
)


def as_pandas(value: Any) -> pd.DataFrame | None:
    """A table as a pandas frame; None where the value is not a table.

    Parameters
    ----------
    value : frame, list of dicts or dict
        Frames of pandas, polars (lazy ones too), pyarrow and DuckDB; a dict of scalars is one row, of lists columns.
    """
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return value
    if isinstance(value, Mapping):
        one_row = not any(_is_column(cell) for cell in value.values())
        return pd.DataFrame([dict(value)]) if one_row else pd.DataFrame(dict(value))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        rows = list(value)
        return pd.DataFrame(rows) if rows and all(isinstance(row, Mapping) for row in rows) else None
    return _through_narwhals(value)


def dialect_of(value: Any) -> Dialect:
    """Templates of code for such a table."""
    return POLARS if type(value).__module__.startswith("polars") else PANDAS


def _is_column(cell: Any) -> bool:
    return hasattr(cell, "__len__") and not isinstance(cell, str | bytes)


def _through_narwhals(value: Any) -> pd.DataFrame | None:
    """Columns as NumPy has them: dates and moments keep their kind, moments their time zone; a null is missing."""
    import narwhals as nw
    import pandas as pd

    native = nw.from_native(value, pass_through=True)
    if isinstance(native, nw.LazyFrame):
        native = native.collect()
    if not isinstance(native, nw.DataFrame):
        return None
    made: dict[str, Any] = {}
    for column in native.iter_columns():
        kind: Any = column.dtype
        if kind in (nw.Categorical, nw.Enum):
            column = column.cast(nw.String)
        cells = column.to_numpy()
        if kind == nw.Date:
            cells = cells.astype("datetime64[s]")
        zone = getattr(kind, "time_zone", None)
        made[column.name] = pd.Series(cells) if zone is None else _in_zone(cells, zone)
    return pd.DataFrame(made)


def _in_zone(cells: Any, zone: str) -> pd.Series:
    import pandas as pd

    return pd.Series(cells).dt.tz_localize("UTC").dt.tz_convert(zone)


def as_polars(frame: pd.DataFrame) -> Any:
    """A pandas frame as a polars frame: categories, dates and booleans stay what they are.

    Raises
    ------
    UsageError
        Where polars is not installed.
    """
    import pandas as pd

    from eventstudy.extras import absent

    try:
        import polars as pl
    except ImportError:
        raise absent("polars") from None
    made = {}
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            texts = [None if value != value else value for value in column.tolist()]
            made[str(name)] = pl.Series(texts, dtype=pl.Categorical)
        elif pd.api.types.is_datetime64_any_dtype(column.dtype) and column.dt.tz is None:
            days = bool((column.dropna() == column.dropna().dt.normalize()).all())
            moments = pl.Series(column.to_numpy().astype("datetime64[ms]"))
            made[str(name)] = moments.cast(pl.Date) if days else moments
        elif pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
            known = column.tolist() if column.dtype.kind == "O" or str(column.dtype)[0].isupper() else None
            whole = [None if value is pd.NA else value for value in known] if known is not None else column.to_numpy()
            made[str(name)] = pl.Series(whole)
        else:
            made[str(name)] = pl.Series([None if value != value else value for value in column.tolist()], strict=False)
    return pl.DataFrame(made)
