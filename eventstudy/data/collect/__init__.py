"""From a ticker or a list to honestly dated rows: filings, dates of earnings, identifiers with dates."""
