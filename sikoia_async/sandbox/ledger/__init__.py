"""The ledger of a local Sikoia: its requests with their responses, faults and costs."""
