"""The scenarios that every local Sikoia has.

The names are fictitious. The company numbers are unused: Companies House assigns numbers in order
and is far from 99 million.
"""

from sikoia_async.sandbox.scenarios.scenario import Scenario

__all__ = ["CATALOGUE"]

CATALOGUE = (
    Scenario(
        name="solvent company",
        about="Everything is fine: one match, active, a good credit report, nothing in searches.",
        company_number="99000001",
        company_name="Solvent Example Ltd",
    ),
    Scenario(
        name="insolvent company",
        about="A bad credit report: the worst rating, no limit, a loss, judgments, bad debts.",
        company_number="99000002",
        company_name="Insolvent Example Ltd",
        solvent=False,
    ),
    Scenario(
        name="several matches",
        about="TooManyResults with a picklist of 3; a search finds 3, the last one closed.",
        company_number="99000003",
        company_name="Several Example Ltd",
        matches=3,
    ),
    Scenario(
        name="not registered",
        about="Registry data and credit reports are Failed; a search finds nothing.",
        company_number="99000004",
        company_name="Unregistered Example Ltd",
        matches=0,
    ),
    Scenario(
        name="closed company",
        about="The register says Closed, dissolved after an insolvency.",
        company_number="99000005",
        company_name="Closed Example Ltd",
        registry_status="Closed",
    ),
    Scenario(
        name="not online",
        about="Online data is Failed.",
        company_number="99000006",
        company_name="Offline Example Ltd",
        online=False,
    ),
    Scenario(
        name="sanctions hit",
        about="PEPs and sanctions have 2 matches; adverse media has 5.",
        company_number="99000007",
        company_name="Sanctioned Example Ltd",
        person="Sandra Sanctioned",
        peps_sanctions=2,
        adverse_media=5,
    ),
    Scenario(
        name="politically exposed",
        about="PEPs and sanctions have 1 match; adverse media has none.",
        person="Petra Politician",
        peps_sanctions=1,
    ),
    Scenario(
        name="adverse media",
        about="Adverse media has 4 matches; PEPs and sanctions have none.",
        company_number="99000008",
        company_name="Headline Example Ltd",
        person="Henry Headline",
        adverse_media=4,
    ),
    Scenario(
        name="declined identity",
        about="The verification is Complete with the decision Declined.",
        person="Dora Declined",
        identity="Declined",
    ),
    Scenario(
        name="blurred identity",
        about="The verification is Complete with the decision ResubmissionRequested.",
        person="Bruno Blurred",
        identity="ResubmissionRequested",
    ),
    Scenario(
        name="expired identity",
        about="The person never takes part: the verification is Expired and NotCompleted.",
        person="Edgar Expired",
        identity="Expired",
    ),
    Scenario(
        name="failed identity",
        about="The provider is unavailable: the verification is Failed.",
        person="Fiona Failed",
        identity="Failed",
    ),
    Scenario(
        name="tampered statement",
        about="Integrity checks are Complete with the decision Fail: the file was edited.",
        person="Tamara Tampered",
        file_name="tampered.pdf",
        integrity="Fail",
    ),
    Scenario(
        name="incomplete payslips",
        about="The check for three months of payslips is Failed, however many there are.",
        person="Ingrid Incomplete",
        file_name="incomplete-payslip.pdf",
        payslips="Fail",
    ),
    Scenario(
        name="no credits",
        about="Every chargeable operation is a 403: insufficient credits.",
        company_number="99000009",
        company_name="Creditless Example Ltd",
        person="Carla Creditless",
        credits=False,
    ),
    Scenario(
        name="service not enabled",
        about="Every chargeable operation and every upload is a 403: service not enabled.",
        company_number="99000010",
        company_name="Disabled Example Ltd",
        person="Denis Disabled",
        enabled=False,
    ),
    Scenario(
        name="restricted company",
        about="The register says Restricted: the company is in administration.",
        company_number="99000011",
        company_name="Restricted Example Ltd",
        registry_status="Restricted",
    ),
    Scenario(
        name="converted company",
        about="The register says Other: the company was converted.",
        company_number="99000012",
        company_name="Converted Example Ltd",
        registry_status="Other",
    ),
    Scenario(
        name="missing information",
        about="Online data is a 422: the company has too little information.",
        company_number="99000015",
        company_name="Missing Example Ltd",
        identifiable=False,
    ),
    Scenario(
        name="failed search",
        about="Searches for PEPs, sanctions and adverse media are Failed.",
        company_number="99000013",
        company_name="Unsearchable Example Ltd",
        person="Una Unsearchable",
        screening="Failed",
    ),
    Scenario(
        name="weekly pay",
        about="Payslips and bank accounts show a weekly wage.",
        person="Walter Weekly",
        pay_frequency="Weekly",
    ),
    Scenario(
        name="pensioner",
        about="Bank accounts and statements show a pension.",
        person="Penelope Pensioner",
        income_type="Pensions",
    ),
    Scenario(
        name="affordability deficit",
        about="Affordability insights show more expenditure than income.",
        company_number="99000014",
        company_name="Deficit Example Ltd",
        person="Derek Deficit",
        deficit=True,
    ),
)
