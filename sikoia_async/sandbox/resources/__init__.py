"""The API resources that the local Sikoia serves."""
