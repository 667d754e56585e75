"""Page model of a report: frozen tables, charts and texts, without any markup."""
