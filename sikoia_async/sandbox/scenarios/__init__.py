"""Scenarios: companies, people and files for which the local Sikoia responds in a special way."""
