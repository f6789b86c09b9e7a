"""Point-in-time features: the tables, the time rule, the catalogue and the engine. No label is seen here."""

from blockrisk.features.at_risk import at_risk
from blockrisk.features.build import prepare_rows, vectors
from blockrisk.features.catalogue import FEATURES
from blockrisk.features.errors import UserError
from blockrisk.features.intake import Tables, read_tables

__all__ = ["FEATURES", "Tables", "UserError", "at_risk", "prepare_rows", "read_tables", "vectors"]
