"""Reading data sets: files and frames in, typed tables and the account of every row out."""

from blockrisk.features.intake.account import account_lines
from blockrisk.features.intake.dataset import Mapped, Refused, RowCount, Tables
from blockrisk.features.intake.read import ZONE, DataSet, read_tables

__all__ = ["ZONE", "DataSet", "Mapped", "Refused", "RowCount", "Tables", "account_lines", "read_tables"]
