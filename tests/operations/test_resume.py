"""Tokens that people keep: every kind can be resumed, also by later versions of this SDK."""

import pkgutil
from importlib import import_module

import pytest

from sikoia_async import STAGING, Sikoia, resources
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.resources._resume import find_kind

ID = "c81d4e2e-bcf2-4b32-8a0c-5a8b7f0e5f52"
SECRET = "0123456789abcdef0123456789abcdef"
BEFORE = "2024-01-15 00:00:00+00:00"

# Made by 0.1.0 for this secret in staging. Never change or remove one: customers store tokens.
_ID = "YzgxZDRlMmUtYmNmMi00YjMyLThhMGMtNWE4YjdmMGU1ZjUy"
TOKENS = {
    "account-refresh": f"op1.453008e3.account-refresh.{_ID}ADIwMjQtMDEtMTUgMDA6MDA6MDArMDA6MDA"
    ".KNLaNVhlvsxdLUsr9P1hJA",
    "affordability": f"op1.453008e3.affordability.{_ID}.GMJ6vJIvBopH9JlYR5fACA",
    "bank-connection": f"op1.453008e3.bank-connection.{_ID}.HP2v3_HzOPiu41jM-wcTMA",
    "check": f"op1.453008e3.check.{_ID}.ze85IcS89xnAx5VGYbuN7Q",
    "classification": f"op1.453008e3.classification.{_ID}.bJA-EWOpAtwytmGaisvvag",
    "company-registry": f"op1.453008e3.company-registry.{_ID}.SVJYURj5MYkw7qBmgV4WlQ",
    "credit-report": f"op1.453008e3.credit-report.{_ID}.RwsHfxvdhFECav-ohHuGSg",
    "data-sources": f"op1.453008e3.data-sources.{_ID}AHBlcnNvbg.EEgD75e4_kPwoTyU03tgyA",
    "identity": f"op1.453008e3.identity.{_ID}.77mwfSJqoEHdRBwODuyLuQ",
    "income": f"op1.453008e3.income.{_ID}.6BOtY63JtuyI48sfxI263g",
    "integrity-check": f"op1.453008e3.integrity-check.{_ID}.WSTVlG1ZPStYyfX75F04_g",
    "online-data": f"op1.453008e3.online-data.{_ID}.E8asFqdmE0MVm0QHbLzjZA",
}
SECOND_IDS = {"account-refresh": (BEFORE,), "data-sources": ("person",)}


def declared() -> dict[str, OperationKind]:
    """Return the kinds that the modules of resources declare, by name."""
    modules = [
        import_module(info.name)
        for info in pkgutil.walk_packages(resources.__path__, f"{resources.__name__}.")
    ]
    kinds = [one for module in modules for one in vars(module).values()]
    return {kind.name: kind for kind in kinds if isinstance(kind, OperationKind)}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", TOKENS)
async def test_a_stored_token_resumes_its_operation(kind: str) -> None:
    """Nothing is sent for that."""
    async with Sikoia("an-id", SECRET, environment=STAGING) as sikoia:
        operation = sikoia.operation(TOKENS[kind])

        assert operation.kind == kind
        assert operation.ids == (ID, *SECOND_IDS.get(kind, ()))
        assert operation.token == TOKENS[kind]
        assert sikoia.stats().calls == 0


def test_every_kind_has_a_token_above() -> None:
    """And the lookup by name finds the kind that the resource declares."""
    kinds = declared()

    assert kinds.keys() == TOKENS.keys()
    assert all(find_kind(name) is kind for name, kind in kinds.items())
    assert all(kind.opener for kind in kinds.values())


def test_other_names_are_not_kinds() -> None:
    """Names of modules, for example."""
    assert [find_kind(name) for name in ("cases", "horoscope", "")] == [None] * 3
